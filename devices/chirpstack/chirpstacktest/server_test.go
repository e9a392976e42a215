package chirpstacktest

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is a stand-in with two tenants, each with an application, a profile and a device, and
// keys for administrators ("admin"), the tenants ("stadt", "werke") and readers ("reader").
func town(t *testing.T) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	put := func(k Kind, id string, f Fields) {
		if err := s.Put(k, id, f); err != nil {
			t.Fatal(err)
		}
	}
	for n, name := range map[string]string{"1": "stadt", "2": "werke"} {
		put(Tenant, uid("a"+n), Fields{"id": uid("a" + n), "name": name})
		put(Application, uid("b"+n), Fields{"id": uid("b" + n), "name": "Sensorik", "tenant_id": uid("a" + n)})
		put(Profile, uid("c"+n), Fields{"id": uid("c" + n), "name": "alt", "tenant_id": uid("a" + n), "adr_algorithm_id": "default"})
		put(Device, "000000000000000"+n, Fields{"dev_eui": "000000000000000" + n, "name": "x", "application_id": uid("b" + n), "device_profile_id": uid("c" + n)})
		s.Grant(name, Access{Tenant: uid("a" + n)})
	}
	put(Profile, uid("c3"), Fields{"id": uid("c3"), "name": "LoRaWAN 1.1", "mac_version": "LORAWAN_1_1_0"})
	s.Grant("admin", Access{Admin: true})
	s.Grant("reader", Access{Tenant: uid("a1"), ReadOnly: true})
	return s
}

func uid(last string) string { return "00000000-0000-4000-8000-0000000000" + last }

// ask calls a method through grpc, with an API key and a request in JSON to which bytes are
// added.
func ask(t *testing.T, s *Server, key, method, request string, more ...byte) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Start(l)()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	service, name, _ := strings.Cut(method, "/")
	m := s.api.Services().ByName(protoreflect.Name(service)).Methods().ByName(protoreflect.Name(name))
	in, out := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		t.Fatal(err)
	}
	in.SetUnknown(more)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", key)
	}
	return conn.Invoke(ctx, "/api."+method, in, out)
}

func TestRefusals(t *testing.T) {
	device := func(eui, application, profile string) string {
		return `{"device": {"dev_eui": "` + eui + `", "name": "n", "application_id": "` + application + `", "device_profile_id": "` + profile + `"}}`
	}
	keys := func(eui, nwk, app string) string {
		return `{"device_keys": {"dev_eui": "` + eui + `", "nwk_key": "` + nwk + `", "app_key": "` + app + `"}}`
	}
	const one, two, other = "0000000000000001", "0000000000000002", "0000000000000009"
	const k, zero = "c0ffee00c0ffee00c0ffee00c0ffee01", "00000000000000000000000000000000"
	for _, c := range []struct {
		name, key, method, request string
		more                       []byte
		code                       codes.Code
		says                       string
	}{
		{"no key", "", "DeviceService/Get", `{"dev_eui": "` + one + `"}`, nil, codes.Unauthenticated, "no authorization provided"},
		{"no bearer", "stadt", "DeviceService/Get", `{"dev_eui": "` + one + `"}`, nil, codes.Unauthenticated, "must be in format"},
		{"wrong key", "Bearer dorf", "DeviceService/Get", `{"dev_eui": "` + one + `"}`, nil, codes.Unauthenticated, "InvalidSignature"},
		{"our device", "Bearer stadt", "DeviceService/Get", `{"dev_eui": "` + one + `"}`, nil, codes.OK, ""},
		{"unknown field", "Bearer stadt", "DeviceService/Get", `{"dev_eui": "` + one + `"}`, []byte{0x10, 1}, codes.InvalidArgument, "GetDeviceRequest has a field that is not known"},
		{"field of another type", "Bearer stadt", "DeviceService/Get", `{}`, []byte{0x08, 1}, codes.InvalidArgument, "GetDeviceRequest has a field"},
		{"unknown field within", "Bearer stadt", "DeviceService/Create", `{}`, protowire.AppendBytes([]byte{0x0a}, []byte{0x58, 1}),
			codes.InvalidArgument, "CreateDeviceRequest.device has a field"},
		{"device of another tenant", "Bearer stadt", "DeviceService/Get", `{"dev_eui": "` + two + `"}`, nil, codes.Unauthenticated, ""},
		{"no device, for a tenant", "Bearer stadt", "DeviceService/Get", `{"dev_eui": "` + other + `"}`, nil, codes.Unauthenticated, ""},
		{"no device, for an administrator", "Bearer admin", "DeviceService/Get", `{"dev_eui": "` + other + `"}`, nil, codes.NotFound, "Object does not exist (id: " + other + ")"},
		{"DevEUI too short", "Bearer stadt", "DeviceService/Get", `{"dev_eui": "0001"}`, nil, codes.Internal, "Invalid string length"},
		{"no DevEUI", "Bearer admin", "DeviceService/Get", `{}`, nil, codes.InvalidArgument, "an EUI is empty"},
		{"nothing in it", "Bearer stadt", "DeviceService/Create", `{}`, nil, codes.InvalidArgument, "device is missing"},
		{"application by name", "Bearer stadt", "DeviceService/Create", device(other, "Sensorik", uid("c1")), nil, codes.InvalidArgument, "invalid length"},
		{"duplicate", "Bearer stadt", "DeviceService/Create", device(one, uid("b1"), uid("c1")), nil, codes.Internal, "duplicate key value violates unique constraint"},
		{"duplicate of another tenant", "Bearer stadt", "DeviceService/Create", device(two, uid("b1"), uid("c1")), nil, codes.Internal, "duplicate key value"},
		{"application of another tenant", "Bearer stadt", "DeviceService/Create", device(other, uid("b2"), uid("c1")), nil, codes.Unauthenticated, ""},
		{"no application", "Bearer admin", "DeviceService/Create", device(other, uid("b9"), uid("c1")), nil, codes.Internal, "Record not found"},
		{"no profile", "Bearer stadt", "DeviceService/Create", device(other, uid("b1"), uid("c9")), nil, codes.Internal, "violates foreign key constraint"},
		{"profile of another tenant", "Bearer stadt", "DeviceService/Create", device(other, uid("b1"), uid("c2")), nil, codes.InvalidArgument, "another tenant's"},
		{"profile of all", "Bearer stadt", "DeviceService/Create", device(other, uid("b1"), uid("c3")), nil, codes.OK, ""},
		{"reader writes", "Bearer reader", "DeviceService/Update", device(one, uid("b1"), uid("c1")), nil, codes.Unauthenticated, ""},
		{"reader deletes", "Bearer reader", "DeviceService/Delete", `{"dev_eui": "` + one + `"}`, nil, codes.Unauthenticated, ""},
		{"keys", "Bearer stadt", "DeviceService/CreateKeys", keys(one, k, ""), nil, codes.OK, ""},
		{"key too short", "Bearer stadt", "DeviceService/CreateKeys", keys(one, "c0ffee", ""), nil, codes.Internal, "Invalid string length"},
		{"no key for 1.0.x", "Bearer stadt", "DeviceService/CreateKeys", keys(one, "", ""), nil, codes.InvalidArgument, "nwk_key is empty or zero"},
		{"zero key for 1.0.x", "Bearer stadt", "DeviceService/CreateKeys", keys(one, zero, ""), nil, codes.InvalidArgument, "nwk_key is empty or zero"},
		{"key of 1.0.x in app_key", "Bearer stadt", "DeviceService/CreateKeys", keys(one, k, k), nil, codes.InvalidArgument, "app_key is set"},
		{"keys to change that are not there", "Bearer stadt", "DeviceService/UpdateKeys", keys(one, k, ""), nil, codes.NotFound, "Object does not exist"},
		{"nonces without keys", "Bearer stadt", "DeviceService/FlushDevNonces", `{"dev_eui": "` + one + `"}`, nil, codes.NotFound, "Object does not exist"},
		{"keys without a device", "Bearer admin", "DeviceService/CreateKeys", keys(other, k, ""), nil, codes.Internal, "violates foreign key constraint"},
		{"tenants, for a tenant", "Bearer stadt", "TenantService/List", `{"limit": 10}`, nil, codes.Unauthenticated, ""},
		{"applications of another tenant", "Bearer stadt", "ApplicationService/List", `{"tenant_id": "` + uid("a2") + `"}`, nil, codes.Unauthenticated, ""},
		{"profile for another tenant", "Bearer stadt", "DeviceProfileService/Create", `{"device_profile": {"name": "x", "tenant_id": "` + uid("a2") + `"}}`, nil, codes.Unauthenticated, ""},
		{"profile without a name", "Bearer stadt", "DeviceProfileService/Create", `{"device_profile": {"tenant_id": "` + uid("a1") + `"}}`, nil, codes.InvalidArgument, "name is not set"},
		{"profile without ADR", "Bearer stadt", "DeviceProfileService/Create", `{"device_profile": {"name": "x", "tenant_id": "` + uid("a1") + `"}}`, nil, codes.InvalidArgument, "no ADR algorithm"},
		{"profile of all, changed by a tenant", "Bearer stadt", "DeviceProfileService/Update", `{"device_profile": {"name": "x", "id": "` + uid("c3") + `"}}`, nil, codes.Unauthenticated, ""},
		{"profile of another tenant, read", "Bearer stadt", "DeviceProfileService/Get", `{"id": "` + uid("c2") + `"}`, nil, codes.Unauthenticated, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ask(t, town(t), c.key, c.method, c.request, c.more...)
			got := status.Convert(err)
			if got.Code() != c.code || !strings.Contains(got.Message(), c.says) || c.says == "" && got.Message() != "" {
				t.Errorf("got %s %q, want %s %q", got.Code(), got.Message(), c.code, c.says)
			}
		})
	}
	t.Run("LoRaWAN 1.1", func(t *testing.T) {
		s := town(t)
		if err := ask(t, s, "Bearer stadt", "DeviceService/Update", device(one, uid("b1"), uid("c3"))); err != nil {
			t.Fatal(err)
		}
		if err := ask(t, s, "Bearer stadt", "DeviceService/CreateKeys", keys(one, k, "")); status.Code(err) != codes.InvalidArgument {
			t.Errorf("one key: %v", err)
		}
		if err := ask(t, s, "Bearer stadt", "DeviceService/CreateKeys", keys(one, k, k)); err != nil {
			t.Errorf("two keys: %v", err)
		}
	})
}

func TestReadProto(t *testing.T) {
	for _, c := range []struct{ name, source, says string }{
		{"good", "syntax = \"proto3\"; package a; // c\nmessage M { option x = 1; reserved 3; oneof o { int32 z = 9; } repeated b.C c = 1 [deprecated = true]; map<string, b.C> d = 2; }", ""},
		{"cut", "message M { string a", `"" in place of "="`},
		{"no number", "message M { string a = b; }", `"b" in place of a number`},
		{"no such thing", "extend M {}", `"extend" is not known`},
		{"cut in an option", "option (a) = {", `ends before "}"`},
		{"text that does not end", "import \"a", "literal not terminated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fd, err := readProto("x.proto", c.source)
			switch {
			case c.says == "" && (err != nil || len(fd.GetMessageType()[0].GetField()) != 2):
				t.Errorf("read %v, error %v", fd, err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "x.proto:")):
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}
