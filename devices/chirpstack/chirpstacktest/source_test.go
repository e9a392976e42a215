package chirpstacktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// TestSource holds our description of the API, and what we say of its manners (which calls
// answer with which status, where keys are stored, when a join server is asked), against the
// source of ChirpStack, where MELDEFUNK_CHIRPSTACK_SOURCE names a checkout of it. It was last
// held against that of July 2026, before v4.20.0. CI does not run it: it needs the checkout,
// and nothing of ours changes what it says. Whoever raises the version that the package
// comment of devices/chirpstack names runs it against that one, and mends what differs.
func TestSource(t *testing.T) {
	root := os.Getenv("MELDEFUNK_CHIRPSTACK_SOURCE")
	if root == "" {
		t.Skip("compares our description of ChirpStack's API with its source; last done with that of July 2026, before v4.20.0. " +
			"Not for CI, but for whoever raises that version: name a checkout of github.com/chirpstack/chirpstack in MELDEFUNK_CHIRPSTACK_SOURCE")
	}
	source := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	read := func(name, text string) *descriptorpb.FileDescriptorProto {
		fd, err := readProto(name, text)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	for ours, theirs := range map[string][]string{
		"common.proto": {"common/common.proto"},
		"api.proto":    {"api/tenant.proto", "api/application.proto", "api/device_profile.proto", "api/device.proto"},
	} {
		text, err := protos.ReadFile("proto/" + ours)
		if err != nil {
			t.Fatal(err)
		}
		real := &descriptorpb.FileDescriptorProto{}
		for _, name := range theirs {
			proto.Merge(real, read(name, source("api/proto/"+name)))
		}
		hold(t, read(ours, string(text)), real)
	}

	for name, says := range map[string][]string{
		"chirpstack/src/api/auth/validator.rs": {`Err(Status::unauthenticated(""))`, `Status::unauthenticated("no authorization provided")`},
		"chirpstack/src/api/error.rs": {
			"storage::error::Error::Diesel(_) => Status::new(Code::Internal,",
			"storage::error::Error::NotFound(_) => Status::new(Code::NotFound,",
			"impl ToStatus for lrwn::Error {\n    fn status(&self) -> Status {\n        Status::new(Code::Internal,",
		},
		"chirpstack/src/storage/error.rs": {"ResultError::NotFound => Error::NotFound(s),\n            _ => Error::Diesel(e),", `"Object does not exist (id: {0})"`},
		"chirpstack/src/uplink/join.rs":   {"if self.device_keys.is_none() {\n            trace!(join_eui = %jr.join_eui, \"Getting Join Server client\");"},
		"lrwn/src/aes128.rs":              {"let mut bytes: [u8; 16] = [0; 16];\n        if !s.is_empty() {"},
		"chirpstack/migrations_postgres/00000000000000_initial/up.sql": {
			"create table device (\n    dev_eui bytea primary key,\n    application_id uuid not null references application on delete cascade,", "name varchar(100) not null",
			"dev_eui bytea primary key references device on delete cascade,"},
		"ui/src/views/device-profiles/CreateDeviceProfile.tsx": {"setUplinkInterval(3600)", "setDeviceStatusReqInterval(1)", `setAdrAlgorithmId("default")`, "setFlushQueueOnActivate(true)"},
	} {
		text := source(name)
		for _, s := range says {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q", name, s)
			}
		}
	}
}

// hold tells what stands in ours and not, or otherwise, in real. Device and DeviceKeys must
// have all fields.
func hold(t *testing.T, ours, real *descriptorpb.FileDescriptorProto) {
	t.Helper()
	if ours.GetPackage() != real.GetPackage() {
		t.Errorf("package %s, there %s", ours.GetPackage(), real.GetPackage())
	}
	messages := map[string]*descriptorpb.DescriptorProto{}
	for _, m := range real.GetMessageType() {
		messages[m.GetName()] = m
	}
	fields := 0
	for _, m := range ours.GetMessageType() {
		there := messages[m.GetName()]
		if there == nil {
			t.Errorf("no message %s", m.GetName())
			continue
		}
		known := map[string]*descriptorpb.FieldDescriptorProto{}
		for _, f := range there.GetField() {
			known[f.GetName()] = f
		}
		for _, f := range m.GetField() {
			if !proto.Equal(f, known[f.GetName()]) {
				t.Errorf("%s.%s: %v, there %v", m.GetName(), f.GetName(), f, known[f.GetName()])
			}
			fields++
		}
		if whole := m.GetName() == "Device" || m.GetName() == "DeviceKeys"; whole && len(there.GetField()) != len(m.GetField()) {
			t.Errorf("%s has %d fields, there %d", m.GetName(), len(m.GetField()), len(there.GetField()))
		}
	}
	enums := map[string]*descriptorpb.EnumDescriptorProto{}
	for _, e := range real.GetEnumType() {
		enums[e.GetName()] = e
	}
	for _, e := range ours.GetEnumType() {
		numbers := map[string]int32{}
		for _, v := range enums[e.GetName()].GetValue() {
			numbers[v.GetName()] = v.GetNumber()
		}
		if len(numbers) != len(e.GetValue()) {
			t.Errorf("%s has %d values, there %d", e.GetName(), len(e.GetValue()), len(numbers))
		}
		for _, v := range e.GetValue() {
			if n, ok := numbers[v.GetName()]; !ok || n != v.GetNumber() {
				t.Errorf("%s.%s is %d, there %d", e.GetName(), v.GetName(), v.GetNumber(), n)
			}
		}
	}
	services := map[string]*descriptorpb.MethodDescriptorProto{}
	for _, s := range real.GetService() {
		for _, m := range s.GetMethod() {
			services[s.GetName()+"/"+m.GetName()] = m
		}
	}
	methods := 0
	for _, s := range ours.GetService() {
		for _, m := range s.GetMethod() {
			if !proto.Equal(m, services[s.GetName()+"/"+m.GetName()]) {
				t.Errorf("%s: %v, there %v", s.GetName(), m, services[s.GetName()+"/"+m.GetName()])
			}
			methods++
		}
	}
	t.Logf("package %s: %d fields of %d messages, %d enums, %d methods are those of ChirpStack",
		ours.GetPackage(), fields, len(ours.GetMessageType()), len(ours.GetEnumType()), methods)
}
