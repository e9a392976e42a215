package chirpstacktest

import (
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// What may be wrong, in the words of ChirpStack (chirpstack/src/api/error.rs,
// storage/error.rs, auth/validator.rs) and of PostgreSQL, which it passes on.

func notAllowed() error { return status.Error(codes.Unauthenticated, "") }

func absent(id string) error {
	return status.Errorf(codes.NotFound, "Object does not exist (id: %s)", id)
}

func taken(table string) error {
	return status.Errorf(codes.Internal, "duplicate key value violates unique constraint %q", table+"_pkey")
}

func broken(table, reference string) error {
	return status.Errorf(codes.Internal, "insert or update on table %q violates foreign key constraint %q", table, table+"_"+reference+"_fkey")
}

func missing(name string) error {
	return status.Errorf(codes.InvalidArgument, "%s is missing", name)
}

func tooLong(name string) error {
	if utf8.RuneCountInString(name) > 100 {
		return status.Error(codes.Internal, "value too long for type character varying(100)")
	}
	return nil
}

// strict is what ChirpStack would let pass.
func strict(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, "chirpstacktest: "+format, args...)
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func uuid(id string) error {
	if !uuidForm.MatchString(id) {
		return status.Error(codes.InvalidArgument, "invalid length: expected length 32 for simple format")
	}
	return nil
}

// hexed reads hex digits; the empty text is taken for zeros there, and here where it may be.
func hexed(s string, bytes int, empty bool) (string, error) {
	if s == "" && empty {
		return strings.Repeat("00", bytes), nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != bytes {
		if s == "" {
			return "", strict("an EUI is empty")
		}
		return "", status.Error(codes.Internal, "Invalid string length")
	}
	return hex.EncodeToString(b), nil
}

// may tells whether a key may see a thing of a tenant, or write it.
func (a Access) may(tenant string, write bool) bool {
	return (a.Admin || tenant != "" && a.Tenant == tenant) && !(write && a.ReadOnly)
}

// tenantOf gives the tenant of an application; "": there is no such application.
func (s *Server) tenantOf(application string) string {
	if app := s.things[Application][application]; app != nil {
		return text(app, "tenant_id")
	}
	return ""
}

// found lists the things that a search finds, by name.
func (s *Server) found(k Kind, in, out *dynamicpb.Message, match func(*dynamicpb.Message) bool) error {
	all := slices.SortedFunc(maps.Values(s.things[k]), func(a, b *dynamicpb.Message) int {
		return strings.Compare(text(a, "name")+text(a, "id"), text(b, "name")+text(b, "id"))
	})
	search := strings.ToLower(text(in, "search"))
	all = slices.DeleteFunc(all, func(m *dynamicpb.Message) bool {
		return !match(m) || !strings.Contains(strings.ToLower(text(m, "name")), search)
	})
	out.Set(out.Descriptor().Fields().ByName("total_count"), protoreflect.ValueOfUint32(uint32(len(all))))
	begin := min(number(in, "offset"), len(all))
	list := out.Mutable(out.Descriptor().Fields().ByName("result")).List()
	for _, m := range all[begin:min(begin+number(in, "limit"), len(all))] {
		item := list.NewElement()
		fields := item.Message().Descriptor().Fields()
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if to := fields.ByName(fd.Name()); to != nil && to.Kind() == fd.Kind() {
				item.Message().Set(to, v)
			}
			return true
		})
		list.Append(item)
	}
	return nil
}

func (s *Server) listTenants(who Access, in, out *dynamicpb.Message) error {
	if !who.Admin {
		return notAllowed()
	}
	return s.found(Tenant, in, out, func(*dynamicpb.Message) bool { return true })
}

func (s *Server) listApplications(who Access, in, out *dynamicpb.Message) error {
	tenant := text(in, "tenant_id")
	if err := uuid(tenant); err != nil {
		return err
	}
	if !who.may(tenant, false) {
		return notAllowed()
	}
	return s.found(Application, in, out, func(m *dynamicpb.Message) bool { return text(m, "tenant_id") == tenant })
}

func (s *Server) getApplication(who Access, in, out *dynamicpb.Message) error {
	id := text(in, "id")
	if err := uuid(id); err != nil {
		return err
	}
	if !who.may(s.tenantOf(id), false) {
		return notAllowed()
	}
	app := s.things[Application][id]
	if app == nil {
		return absent(id)
	}
	put(out, "application", app)
	return nil
}

// A device profile without a tenant is there for all, to read.

func (s *Server) listProfiles(who Access, in, out *dynamicpb.Message) error {
	tenant := text(in, "tenant_id")
	if err := uuid(tenant); err != nil {
		return err
	}
	if !who.may(tenant, false) {
		return notAllowed()
	}
	return s.found(Profile, in, out, func(m *dynamicpb.Message) bool {
		return text(m, "tenant_id") == tenant || text(m, "tenant_id") == ""
	})
}

func (s *Server) getProfile(who Access, in, out *dynamicpb.Message) error {
	id := text(in, "id")
	if err := uuid(id); err != nil {
		return err
	}
	p := s.things[Profile][id]
	if !who.Admin && (p == nil || text(p, "tenant_id") != "" && text(p, "tenant_id") != who.Tenant) {
		return notAllowed()
	}
	if p == nil {
		return absent(id)
	}
	put(out, "device_profile", p)
	return nil
}

func checkProfile(p *dynamicpb.Message) error {
	if text(p, "name") == "" {
		return status.Error(codes.InvalidArgument, "Validation error: Validation error: name is not set")
	}
	if adr := text(p, "adr_algorithm_id"); adr != "default" {
		return strict("no ADR algorithm has the id %q", adr)
	}
	return tooLong(text(p, "name"))
}

func (s *Server) createProfile(who Access, in, out *dynamicpb.Message) error {
	p := inner(in, "device_profile")
	if p == nil {
		return missing("device_profile")
	}
	tenant := text(p, "tenant_id")
	if err := uuid(tenant); err != nil {
		return err
	}
	if !who.may(tenant, true) {
		return notAllowed()
	}
	if err := checkProfile(p); err != nil {
		return err
	}
	if s.things[Tenant][tenant] == nil {
		return broken("device_profile", "tenant_id")
	}
	id := s.newID()
	setText(p, "id", id)
	s.things[Profile][id] = p
	setText(out, "id", id)
	return nil
}

func (s *Server) updateProfile(who Access, in, _ *dynamicpb.Message) error {
	p := inner(in, "device_profile")
	if p == nil {
		return missing("device_profile")
	}
	id := text(p, "id")
	if err := uuid(id); err != nil {
		return err
	}
	have := s.things[Profile][id]
	if !who.Admin && have == nil || have != nil && !who.may(text(have, "tenant_id"), true) {
		return notAllowed()
	}
	if have == nil {
		return absent(id)
	}
	if err := checkProfile(p); err != nil {
		return err
	}
	setText(p, "tenant_id", text(have, "tenant_id")) // an update leaves it
	s.things[Profile][id] = p
	return nil
}

// readDevice checks what stands in a device.
func readDevice(in *dynamicpb.Message) (d *dynamicpb.Message, eui string, err error) {
	d = inner(in, "device")
	if d == nil {
		return nil, "", missing("device")
	}
	if eui, err = hexed(text(d, "dev_eui"), 8, false); err != nil {
		return nil, "", err
	}
	join, err := hexed(text(d, "join_eui"), 8, true)
	if err != nil {
		return nil, "", err
	}
	for _, name := range []protoreflect.Name{"application_id", "device_profile_id"} {
		if err := uuid(text(d, name)); err != nil {
			return nil, "", err
		}
	}
	setText(d, "dev_eui", eui)
	setText(d, "join_eui", join)
	return d, eui, nil
}

// checkDevice checks what a device refers to.
func (s *Server) checkDevice(d *dynamicpb.Message) error {
	p := s.things[Profile][text(d, "device_profile_id")]
	if p == nil {
		return broken("device", "device_profile_id")
	}
	if owner := text(p, "tenant_id"); owner != "" && owner != s.tenantOf(text(d, "application_id")) {
		return strict("the device profile is another tenant's")
	}
	if text(d, "name") == "" { // an update refuses it, so creating had better, too
		return status.Error(codes.InvalidArgument, "Validation error: name is not set")
	}
	return tooLong(text(d, "name"))
}

func (s *Server) createDevice(who Access, in, _ *dynamicpb.Message) error {
	d, eui, err := readDevice(in)
	if err != nil {
		return err
	}
	app := text(d, "application_id")
	if !who.may(s.tenantOf(app), true) {
		return notAllowed()
	}
	if s.tenantOf(app) == "" {
		return status.Error(codes.Internal, "Record not found")
	}
	if s.things[Device][eui] != nil {
		return taken("device")
	}
	if err := s.checkDevice(d); err != nil {
		return err
	}
	s.things[Device][eui] = d
	return nil
}

// reach finds a device for a caller.
func (s *Server) reach(who Access, digits string, write bool) (eui string, d *dynamicpb.Message, err error) {
	if eui, err = hexed(digits, 8, false); err != nil {
		return "", nil, err
	}
	d = s.things[Device][eui]
	tenant := ""
	if d != nil {
		tenant = s.tenantOf(text(d, "application_id"))
	}
	if !who.may(tenant, write) {
		return "", nil, notAllowed()
	}
	return eui, d, nil
}

func (s *Server) getDevice(who Access, in, out *dynamicpb.Message) error {
	eui, d, err := s.reach(who, text(in, "dev_eui"), false)
	if err != nil {
		return err
	}
	if d == nil {
		return absent(eui)
	}
	put(out, "device", d)
	return nil
}

func (s *Server) updateDevice(who Access, in, _ *dynamicpb.Message) error {
	d, eui, err := readDevice(in)
	if err != nil {
		return err
	}
	_, have, err := s.reach(who, eui, true)
	if err != nil {
		return err
	}
	if !who.may(s.tenantOf(text(d, "application_id")), false) {
		return notAllowed()
	}
	if have == nil {
		return absent(eui)
	}
	if s.tenantOf(text(d, "application_id")) == "" {
		return broken("device", "application_id")
	}
	if err := s.checkDevice(d); err != nil {
		return err
	}
	s.things[Device][eui] = d
	return nil
}

func (s *Server) deleteDevice(who Access, in, _ *dynamicpb.Message) error {
	eui, d, err := s.reach(who, text(in, "dev_eui"), true)
	if err != nil {
		return err
	}
	if d == nil {
		return absent(eui)
	}
	delete(s.things[Device], eui)
	delete(s.things[Keys], eui)
	delete(s.nonces, eui)
	return nil
}

// readKeys checks what stands in keys, and whether they fit the device.
func (s *Server) readKeys(who Access, in *dynamicpb.Message) (k *dynamicpb.Message, eui string, err error) {
	k = inner(in, "device_keys")
	if k == nil {
		return nil, "", missing("device_keys")
	}
	eui, d, err := s.reach(who, text(k, "dev_eui"), true)
	if err != nil {
		return nil, "", err
	}
	setText(k, "dev_eui", eui)
	zero := strings.Repeat("00", 16)
	for _, name := range []protoreflect.Name{"nwk_key", "app_key", "gen_app_key"} {
		key, err := hexed(text(k, name), 16, true)
		if err != nil {
			return nil, "", err
		}
		setText(k, name, key)
	}
	if d == nil {
		return nil, "", broken("device_keys", "dev_eui")
	}
	p := s.things[Profile][text(d, "device_profile_id")]
	two := p != nil && p.Get(p.Descriptor().Fields().ByName("mac_version")).Enum() == 5
	switch {
	case text(k, "nwk_key") == zero:
		return nil, "", strict("nwk_key is empty or zero: no device can join with it")
	case two && text(k, "app_key") == zero:
		return nil, "", strict("LoRaWAN 1.1 has two root keys: app_key is empty or zero")
	case !two && text(k, "app_key") != zero:
		return nil, "", strict("LoRaWAN 1.0.x has its one root key in nwk_key: app_key is set")
	}
	return k, eui, nil
}

func (s *Server) createKeys(who Access, in, _ *dynamicpb.Message) error {
	k, eui, err := s.readKeys(who, in)
	if err != nil {
		return err
	}
	if s.things[Keys][eui] != nil {
		return taken("device_keys")
	}
	s.things[Keys][eui] = k
	return nil
}

func (s *Server) updateKeys(who Access, in, _ *dynamicpb.Message) error {
	k, eui, err := s.readKeys(who, in)
	if err != nil {
		return err
	}
	if s.things[Keys][eui] == nil {
		return absent(eui)
	}
	s.things[Keys][eui] = k
	return nil
}

// keysOf finds the keys of a device for a caller.
func (s *Server) keysOf(who Access, in *dynamicpb.Message, write bool) (string, *dynamicpb.Message, error) {
	eui, _, err := s.reach(who, text(in, "dev_eui"), write)
	if err != nil {
		return "", nil, err
	}
	k := s.things[Keys][eui]
	if k == nil {
		return "", nil, absent(eui)
	}
	return eui, k, nil
}

func (s *Server) getKeys(who Access, in, out *dynamicpb.Message) error {
	_, k, err := s.keysOf(who, in, false)
	if err != nil {
		return err
	}
	put(out, "device_keys", proto.CloneOf(k))
	return nil
}

func (s *Server) deleteKeys(who Access, in, _ *dynamicpb.Message) error {
	eui, _, err := s.keysOf(who, in, true)
	if err != nil {
		return err
	}
	delete(s.things[Keys], eui)
	delete(s.nonces, eui) // they stand in the same row
	return nil
}

func (s *Server) flushDevNonces(who Access, in, _ *dynamicpb.Message) error {
	eui, _, err := s.keysOf(who, in, true)
	if err != nil {
		return err
	}
	delete(s.nonces, eui)
	return nil
}
