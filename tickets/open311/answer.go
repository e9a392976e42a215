package open311

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// record is one element of an answer. Servers leave out, rename and wrap; what is not
// told is "". Nothing here is trusted to be there.
type record struct {
	ID          string // service_request_id
	Token       string
	UpdateID    string
	Status      string
	Detail      string // a finer status, where the flavour has one
	Notes       string
	ServiceCode string
	ServiceName string
	ServiceType string // of a service: realtime, batch, blackbox
	Metadata    string // of a service: whether it has a definition
	Description string
	Words       string // title, description and detail, whichever are told
	Lat, Long   string
	Requested   string // requested_datetime as written
	Updated     string // updated_datetime as written
}

// requested gives requested_datetime; told is false where there is none.
func (r record) requested() (at time.Time, told bool, err error) {
	if r.Requested == "" {
		return time.Time{}, false, nil
	}
	at, err = time.Parse(time.RFC3339, r.Requested)
	return at, true, err
}

// position gives lat and long; told is false where they make none.
func (r record) position() (p city.Position, told bool) {
	lat, err := strconv.ParseFloat(r.Lat, 64)
	long, err2 := strconv.ParseFloat(r.Long, 64)
	return city.Position{Lat: lat, Lon: long}, err == nil && err2 == nil
}

// wrappers are the keys under which servers hide the list. "data" is GovFlow's,
// "requests" Mark-a-Spot's, "service_request" that of codefornl, the rest is the
// specification's XML.
func wrappers() []string {
	return []string{
		"service_requests", "service_request", "requests", "request", "services", "service",
		"service_request_updates", "request_update", "data",
	}
}

// records takes the elements out of an answer in any of the shapes found in the wild: a
// list; a list or one element wrapped once or twice; scalars as string, number or null;
// fields wrapped in lists of one.
func (c *Client) records(tree any) ([]record, error) {
	maps, err := unwrap(tree, 0)
	if err != nil {
		return nil, err
	}
	all := make([]record, len(maps))
	for i, m := range maps {
		all[i] = c.record(m)
	}
	return all, nil
}

func unwrap(v any, depth int) ([]map[string]any, error) {
	if depth > 4 {
		return nil, errors.New("answer is wrapped too deep")
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		var all []map[string]any
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("answer lists %s where objects are expected", shape(e))
			}
			all = append(all, m)
		}
		return all, nil
	case map[string]any:
		if scalar(v["service_request_id"]) != "" {
			return []map[string]any{v}, nil
		}
		for _, key := range wrappers() {
			inside, ok := v[key]
			switch {
			case !ok:
			case !isScalar(inside):
				return unwrap(inside, depth+1)
			case scalar(inside) == "" && len(v) == 1:
				return nil, nil
			}
		}
		if len(v) == 0 {
			return nil, nil
		}
		return []map[string]any{v}, nil
	}
	return nil, fmt.Errorf("answer is %s where a list is expected", shape(v))
}

func (c *Client) record(m map[string]any) record {
	r := record{
		ID:          scalar(m["service_request_id"]),
		Token:       scalar(m["token"]),
		UpdateID:    scalar(m["update_id"]),
		Status:      strings.ToLower(scalar(m["status"])),
		Notes:       cmp.Or(scalar(m["status_notes"]), scalar(m["status_note"])),
		ServiceCode: scalar(m["service_code"]),
		ServiceName: scalar(m["service_name"]),
		ServiceType: strings.ToLower(scalar(m["type"])),
		Metadata:    strings.ToLower(scalar(m["metadata"])),
		Description: scalar(m["description"]),
		Words:       scalar(m["title"]) + "\n" + scalar(m["description"]) + "\n" + scalar(m["detail"]),
		Lat:         scalar(m["lat"]),
		Long:        scalar(m["long"]),
		Requested:   scalar(m["requested_datetime"]),
		Updated:     scalar(m["updated_datetime"]),
	}
	for _, path := range c.flavour.Detail {
		if r.Detail = scalar(dig(m, path)); r.Detail != "" {
			break
		}
	}
	return r
}

// dig goes down into objects; dots stand between the keys.
func dig(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// scalar gives a string, number or truth value as text, out of a list of one if need be.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		if v == "null" { // XML turned into JSON
			return ""
		}
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case []any:
		if len(v) == 1 && isScalar(v[0]) {
			return scalar(v[0])
		}
	}
	return ""
}

func isScalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

func shape(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return "a text"
	}
	return "a value"
}

// parse reads JSON or XML, whichever it looks like: there are servers that answer in
// JSON when they were asked for XML.
func parse(body []byte) (any, error) {
	if body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")); bytes.HasPrefix(body, []byte("<")) {
		return parseXML(body)
	}
	return parseJSON(body)
}

// parseJSON reads one JSON value and keeps numbers as they are written: an id may be
// longer than a float64 is exact.
func parseJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("answer is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("answer is not JSON: there is more after its end")
	}
	return v, nil
}

// serverText gathers what a server says about an error, whichever of the shapes it uses:
// lists of code and description, an object under "errors" or "error", "message",
// "error_messages", or plain text. "" where nothing of the kind is found, as in HTML.
func serverText(body []byte) string {
	v, err := parse(body)
	if err == nil {
		return clip(said(v), 300)
	}
	plain := strings.Join(strings.Fields(string(body[:min(len(body), 2000)])), " ")
	if strings.HasPrefix(plain, "<") || strings.HasPrefix(plain, "[") || strings.HasPrefix(plain, "{") {
		return ""
	}
	return clip(plain, 300)
}

func said(v any) string { return strings.Join(gather(v, 0), "; ") }

func gather(v any, depth int) []string {
	if depth > 4 {
		return nil
	}
	var all []string
	switch v := v.(type) {
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			all = append(all, gather(e, depth+1)...)
		}
	case map[string]any:
		for _, key := range []string{"description", "message"} {
			if s := scalar(v[key]); s != "" {
				all = append(all, strings.Join(strings.Fields(s), " "))
			}
		}
		for _, key := range problems() {
			if s := scalar(v[key]); s != "" {
				all = append(all, s)
			} else {
				all = append(all, gather(v[key], depth+1)...)
			}
		}
	}
	return all
}

// problems are the keys under which servers put what went wrong.
func problems() []string { return []string{"errors", "error", "error_messages", "error_message"} }

// saysCode tells whether an error body names one of these codes.
func saysCode(v any, codes ...string) bool { return findCode(v, codes, 0) }

func findCode(v any, codes []string, depth int) bool {
	if depth > 4 {
		return false
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			if findCode(e, codes, depth+1) {
				return true
			}
		}
	case map[string]any:
		if slices.Contains(codes, scalar(v["code"])) {
			return true
		}
		for _, key := range problems() {
			if findCode(v[key], codes, depth+1) {
				return true
			}
		}
	}
	return false
}
