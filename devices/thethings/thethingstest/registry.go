package thethingstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// parse reads the body of what writes into fields and mask.
func parse(body []byte, r Registry, method string) (Fields, []string, *problem) {
	var request struct {
		EndDevice map[string]any `json:"end_device"`
		FieldMask *struct {
			Paths []string `json:"paths"`
		} `json:"field_mask"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&request); err != nil {
		return nil, nil, invalid("body", err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, invalid("body", "there is more after its end")
	}
	fields := Fields{}
	if p := flatten(request.EndDevice, "", fields); p != nil {
		return nil, nil, p
	}
	if method == http.MethodPost { // CreateEndDeviceRequest has no mask
		if request.FieldMask != nil {
			return nil, nil, invalid("field_mask", "unknown field")
		}
		return fields, nil, nil
	}
	if request.FieldMask == nil || len(request.FieldMask.Paths) == 0 {
		return nil, nil, invalid("field_mask", "it names nothing")
	}
	if p := checkMask(request.FieldMask.Paths, r, true); p != nil {
		return nil, nil, p
	}
	return fields, request.FieldMask.Paths, nil
}

// flatten turns nested objects into paths and refuses what EndDevice does not have.
func flatten(object map[string]any, prefix string, into Fields) *problem {
	for name, v := range object {
		path := prefix + name
		want, leaf := leaves[path]
		inner, isObject := v.(map[string]any)
		switch {
		case leaf && !fits(want, v):
			return invalid(path, fmt.Sprintf("%T does not fit", v))
		case leaf:
			into[path] = v
		case !branches[path]:
			return invalid(path, "unknown field")
		case !isObject:
			return invalid(path, "want an object")
		default:
			if p := flatten(inner, path+".", into); p != nil {
				return p
			}
		}
	}
	return nil
}

func fits(k kind, v any) bool {
	switch v := v.(type) {
	case string:
		return k == text
	case bool:
		return k == boolean
	case json.Number:
		return k == number
	case []any:
		return k == numbers && !slices.ContainsFunc(v, func(e any) bool { return !fits(number, e) })
	case map[string]any:
		for _, e := range v {
			if !fits(text, e) {
				return false
			}
		}
		return k == texts
	}
	return false
}

// checkMask refuses paths that a registry does not allow (pkg/rpcmiddleware/validator).
func checkMask(paths []string, r Registry, set bool) *problem {
	var forbidden []any
	for _, p := range paths {
		if !slices.Contains(Allowed(r, set), p) {
			forbidden = append(forbidden, p)
		}
	}
	if forbidden == nil {
		return nil
	}
	return &problem{status: http.StatusBadRequest, code: 3, namespace: "pkg/rpcmiddleware/validator", name: "field_mask_paths",
		message: "forbidden path(s) in field mask", attributes: map[string]any{"forbidden_paths": forbidden}}
}

// within tells whether a mask covers a path.
func within(mask []string, path string) bool {
	return slices.ContainsFunc(mask, func(m string) bool { return m == path || strings.HasPrefix(path, m+".") })
}

func (s *Server) read(r Registry, id ID, search bool, q url.Values, rights []string) (any, *problem) {
	if p := require(id, rights, Read); p != nil {
		return nil, p
	}
	var mask []string
	if m := q.Get("field_mask"); m != "" {
		mask = strings.Split(m, ",")
	}
	if p := checkMask(mask, r, false); p != nil {
		return nil, p
	}
	if r == Join && (within(mask, "root_keys.app_key.key") || within(mask, "root_keys.nwk_key.key")) {
		if p := require(id, rights, ReadKeys); p != nil {
			return nil, p
		}
	}
	mask = append(mask, "ids") // pkg/ttnpb/fieldmask_utils.go, AddImplicitEndDeviceGetFields
	if search {
		for name := range q {
			if name != "field_mask" && name != "dev_eui_contains" {
				return nil, invalid(name, "thethingstest does not search by this")
			}
		}
		var found []string
		for have, f := range s.devices[Identity] {
			if have.Application == id.Application && strings.Contains(str(f, "ids.dev_eui"), q.Get("dev_eui_contains")) {
				found = append(found, have.Device)
			}
		}
		slices.Sort(found)
		all := []any{}
		for _, device := range found {
			all = append(all, nest(s.devices[Identity][ID{id.Application, device}], mask))
		}
		return map[string]any{"end_devices": all}, nil
	}
	f, ok := s.devices[r][id]
	if !ok {
		return nil, missing(r)
	}
	return nest(f, mask), nil
}

func missing(r Registry) *problem {
	switch r {
	case Identity:
		return absent("pkg/identityserver/store", "end_device_not_found")
	case Join:
		return absent("pkg/joinserver", "device_not_found")
	}
	return absent("pkg/redis", "not_found")
}

// nest makes JSON of the fields that a mask covers. Zero values are left out, as in all JSON
// of protocol buffers.
func nest(f Fields, mask []string) map[string]any {
	out := map[string]any{}
	for path, v := range f {
		if !within(mask, path) || zero(v) && path != "skip_payload_crypto_override" {
			continue
		}
		at := out
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			inner, ok := at[p].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[p] = inner
			}
			at = inner
		}
		at[parts[len(parts)-1]] = v
	}
	return out
}

func zero(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case bool:
		return !v
	case json.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return v == nil
}

func str(f Fields, path string) string {
	s, _ := f[path].(string)
	return s
}

func (s *Server) remove(r Registry, id ID, rights []string) (any, *problem) {
	if p := require(id, rights, Write); p != nil {
		return nil, p
	}
	if _, ok := s.devices[r][id]; !ok {
		return nil, missing(r)
	}
	if r == Identity {
		for _, other := range []Registry{Join, Network, Application} {
			if _, ok := s.devices[other][id]; ok {
				return nil, invalid("ids", "the device still stands in "+string(other))
			}
		}
	}
	delete(s.devices[r], id)
	return map[string]any{}, nil
}

func (s *Server) write(r Registry, id ID, f Fields, mask, rights []string) (any, *problem) {
	if p := require(id, rights, Write); p != nil {
		return nil, p
	}
	if r == Join && (within(mask, "root_keys.app_key.key") || within(mask, "root_keys.nwk_key.key") || within(mask, "root_keys.root_key_id")) {
		if p := require(id, rights, WriteKeys); p != nil {
			return nil, p
		}
	}
	isNew := mask == nil
	if isNew {
		id.Device = str(f, "ids.device_id")
	}
	if p := check(id, f); p != nil {
		return nil, p
	}
	have, there := s.devices[r][id]
	switch {
	case r == Identity && isNew:
		if there {
			return nil, conflict("pkg/util/store", "id_taken", "ID already taken, choose a different one and try again", nil)
		}
		// It takes what it keeps, and leaves the rest.
		for path := range f {
			if !within(Allowed(Identity, true), path) && !strings.HasPrefix(path, "ids.") {
				s.ignored = append(s.ignored, string(r)+" "+path)
				delete(f, path)
			}
		}
	case r == Identity && !there:
		return nil, missing(r)
	case r != Identity && s.devices[Identity][id] == nil:
		return nil, invalid("ids", "the device does not stand in the identity server yet")
	}
	if !there {
		if p := s.unique(r, id, f); p != nil {
			return nil, p
		}
	}
	if p := s.checkRegistry(r, f, mask, have); p != nil {
		return nil, p
	}
	for path := range f {
		if !isNew && !within(mask, path) && !strings.HasPrefix(path, "ids.") {
			s.ignored = append(s.ignored, string(r)+" "+path)
		}
	}
	s.devices[r][id] = apply(have, f, mask)
	if isNew {
		mask = Allowed(Identity, true)
	}
	return nest(s.devices[r][id], append(slices.Clone(mask), "ids")), nil
}

// apply gives what a registry then has: of what was sent only what the mask names, and
// nothing where the mask names what was not sent.
func apply(have, f Fields, mask []string) Fields {
	if mask == nil {
		return f
	}
	now := maps.Clone(have)
	if now == nil {
		now = Fields{}
	}
	for path := range leaves {
		switch v, sent := f[path]; {
		case strings.HasPrefix(path, "ids."):
			if sent {
				now[path] = v
			}
		case within(mask, path) && sent:
			now[path] = v
		case within(mask, path):
			delete(now, path)
		}
	}
	return now
}

func conflict(namespace, name, message string, attributes map[string]any) *problem {
	return &problem{status: http.StatusConflict, code: 6, namespace: namespace, name: name, message: message, attributes: attributes}
}

// unique refuses a pair of EUIs that another device has in the registry. A DevEUI alone may
// stand there twice.
func (s *Server) unique(r Registry, id ID, f Fields) *problem {
	join, dev := str(f, "ids.join_eui"), str(f, "ids.dev_eui")
	for other, have := range s.devices[r] {
		if other != id && str(have, "ids.join_eui") == join && str(have, "ids.dev_eui") == dev {
			return conflict("pkg/identityserver", "end_device_euis_taken",
				fmt.Sprintf("an end device with JoinEUI `%s` and DevEUI `%s` is already registered as `%s` in application `%s`", join, dev, other.Device, other.Application),
				map[string]any{"join_eui": join, "dev_eui": dev, "device_id": other.Device, "application_id": other.Application})
		}
	}
	return nil
}

var (
	idForm  = regexp.MustCompile(`^[a-z0-9](?:[-]?[a-z0-9]){2,}$`)
	euiForm = regexp.MustCompile(`^[0-9A-F]{16}$`)
	keyForm = regexp.MustCompile(`^[0-9A-F]{32}$`)
	zeroKey = strings.Repeat("0", 32)
)

// check holds fields against the rules that all registries share (validate.rules in
// api/ttn/lorawan/v3).
func check(id ID, f Fields) *problem {
	for path, want := range map[string]string{"ids.device_id": id.Device, "ids.application_ids.application_id": id.Application} {
		switch got := str(f, path); {
		case got != want:
			return invalid(path, fmt.Sprintf("%q in the body, %q in the path", got, want))
		case len(got) > 36 || !idForm.MatchString(got):
			return invalid(path, "does not match the pattern of ids")
		}
	}
	for _, path := range []string{"ids.dev_eui", "ids.join_eui"} {
		if !euiForm.MatchString(str(f, path)) {
			return invalid(path, "want 16 hex digits")
		}
	}
	for path, longest := range map[string]int{"name": 50, "description": 2000} {
		if utf8.RuneCountInString(str(f, path)) > longest {
			return invalid(path, fmt.Sprintf("value length must be at most %d runes", longest))
		}
	}
	for _, path := range []string{"network_server_address", "application_server_address", "join_server_address"} {
		a := str(f, path)
		if host, _, err := net.SplitHostPort(a); err == nil {
			a = host
		}
		if strings.ContainsAny(a, "/:_ ") {
			return invalid(path, "does not match the pattern of addresses")
		}
	}
	attributes, _ := f["attributes"].(map[string]any)
	if len(attributes) > 10 {
		return invalid("attributes", "value must contain no more than 10 pair(s)")
	}
	for key, v := range attributes {
		if v, ok := v.(string); !ok || utf8.RuneCountInString(v) > 200 || len(key) > 36 || !idForm.MatchString(key) {
			return invalid("attributes["+key+"]", "does not match the pattern of attributes")
		}
	}
	for _, path := range []string{"root_keys.app_key.key", "root_keys.nwk_key.key"} {
		if _, sent := f[path]; sent && !keyForm.MatchString(str(f, path)) {
			return invalid(path, "want 32 hex digits")
		}
	}
	return nil
}

// checkRegistry holds fields against the rules of one registry.
func (s *Server) checkRegistry(r Registry, f Fields, mask []string, have Fields) *problem {
	if have != nil {
		for _, path := range []string{"ids.dev_eui", "ids.join_eui"} {
			if f[path] != have[path] {
				return &problem{status: http.StatusBadRequest, code: 3, namespace: "pkg/redis", name: "read_only_field",
					message: "read-only field `" + path + "`", attributes: map[string]any{"field": path}}
			}
		}
	}
	fieldValue := func(path string) *problem {
		return &problem{status: http.StatusBadRequest, code: 3, namespace: "pkg/" + string(r), name: "field_value",
			message: "invalid value of field `" + path + "`", attributes: map[string]any{"field": path}}
	}
	switch r {
	case Join:
		if k := str(f, "root_keys.app_key.key"); within(mask, "root_keys.app_key.key") && (k == "" || k == zeroKey) {
			return fieldValue("root_keys.app_key.key")
		}
		if slices.Contains(mask, "root_keys.nwk_key.key") && str(f, "root_keys.nwk_key.key") == "" && str(have, "root_keys.nwk_key.key") != "" {
			// The real one empties the envelope and keeps it, and then fails to open it at each join.
			return invalid("root_keys.nwk_key.key", "this leaves an empty envelope: clear root_keys.nwk_key")
		}
	case Network:
		now := apply(have, f, mask)
		for path, known := range map[string][]string{"lorawan_version": macVersions(), "lorawan_phy_version": phyVersions(), "frequency_plan_id": s.plans} {
			if !slices.Contains(known, str(now, path)) {
				return fieldValue(path)
			}
		}
		if joins, _ := now["supports_join"].(bool); !joins {
			return fieldValue("supports_join") // the real one wants a session then; here all devices join
		}
		if have != nil && within(mask, "supports_join") && have["supports_join"] != now["supports_join"] {
			return fieldValue("supports_join")
		}
	}
	return nil
}
