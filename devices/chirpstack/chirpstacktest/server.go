// Package chirpstacktest is a stand-in for the gRPC API of ChirpStack v4, for tests, as far
// as devices are made known there. It speaks through google.golang.org/grpc with messages
// described in its folder proto. It refuses what the real one refuses, with its statuses and
// words, as read in its source of July 2026, and some of what that lets pass though it is a
// mistake: fields that do not exist, EUIs that are empty, keys that do not fit the LoRaWAN
// version, a device profile of another tenant. It knows nothing of radio.
package chirpstacktest

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	// Their descriptors are what proto/api.proto imports.
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

//go:embed proto/*.proto
var protos embed.FS

// Kind is a kind of thing: the name of its message.
type Kind string

// The kinds. Device and Keys are told apart by DevEUI, all others by UUID.
const (
	Tenant      Kind = "Tenant"
	Application Kind = "Application"
	Profile     Kind = "DeviceProfile"
	Device      Kind = "Device"
	Keys        Kind = "DeviceKeys"
)

// Fields are those of a thing, by name; what is zero is not there.
type Fields map[string]any

// Access is what an API key may.
type Access struct {
	Admin    bool   // everything, in all tenants
	Tenant   string // the one tenant, where it is no administrator's
	ReadOnly bool
}

// Server is a ChirpStack. It may be used by several goroutines.
type Server struct {
	api protoreflect.FileDescriptor

	mu     sync.Mutex
	access map[string]Access
	things map[Kind]map[string]*dynamicpb.Message
	nonces map[string]int // DevNonces that were used, by DevEUI
	made   int            // things with a UUID of ours
	faults []*Fault
	seen   []string
	conns  map[net.Conn]bool
}

// New makes a ChirpStack with nothing in it.
func New() (*Server, error) {
	s := &Server{
		access: map[string]Access{},
		things: map[Kind]map[string]*dynamicpb.Message{},
		nonces: map[string]int{},
		conns:  map[net.Conn]bool{},
	}
	for _, k := range []Kind{Tenant, Application, Profile, Device, Keys} {
		s.things[k] = map[string]*dynamicpb.Message{}
	}
	files := &protoregistry.Files{}
	for _, name := range []string{"common.proto", "api.proto"} {
		source, err := protos.ReadFile("proto/" + name)
		if err != nil {
			return nil, err
		}
		path := map[string]string{"common.proto": "common/common.proto", "api.proto": "api/api.proto"}[name]
		described, err := readProto(path, string(source))
		if err != nil {
			return nil, err
		}
		if s.api, err = protodesc.NewFile(described, both{files}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := files.RegisterFile(s.api); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// both looks descriptors up among ours, then among those of protobuf itself.
type both struct{ ours *protoregistry.Files }

func (b both) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if fd, err := b.ours.FindFileByPath(path); err == nil {
		return fd, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

func (b both) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d, err := b.ours.FindDescriptorByName(name); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

// Grant gives an API key its rights.
func (s *Server) Grant(key string, a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access[key] = a
}

// Revoke takes an API key away.
func (s *Server) Revoke(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.access, key)
}

// Add makes a thing, past all rules, and gives its id.
func (s *Server) Add(k Kind, f Fields) (string, error) {
	s.mu.Lock()
	id := s.newID()
	s.mu.Unlock()
	f["id"] = id
	return id, s.Put(k, id, f)
}

// Put changes what there is under an id, past all rules; nil fields: it is gone.
func (s *Server) Put(k Kind, id string, f Fields) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil {
		delete(s.things[k], id)
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	m := s.message(string(k))
	if err := protojson.Unmarshal(text, m); err != nil {
		return err
	}
	s.things[k][id] = m
	return nil
}

// Get gives the fields of a thing; nil: there is none.
func (s *Server) Get(k Kind, id string) (Fields, error) {
	s.mu.Lock()
	m := s.things[k][id]
	s.mu.Unlock()
	if m == nil {
		return nil, nil
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var f Fields
	return f, json.Unmarshal(text, &f)
}

// IDs gives the ids of all things of a kind, in order.
func (s *Server) IDs(k Kind) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for id := range s.things[k] {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// Join has a device use up a DevNonce.
func (s *Server) Join(devEUI string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces[devEUI]++
}

// Nonces tells how many DevNonces a device has used up.
func (s *Server) Nonces(devEUI string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nonces[devEUI]
}

// Seen gives the methods that were called since it was last called, "DeviceService/Get".
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Start serves on a listener until stop is called, which ends all it has started.
func (s *Server) Start(l net.Listener, options ...grpc.ServerOption) (stop func()) {
	server := grpc.NewServer(options...)
	for i := range s.api.Services().Len() {
		service := s.api.Services().Get(i)
		desc := &grpc.ServiceDesc{ServiceName: string(service.FullName())}
		for j := range service.Methods().Len() {
			method := service.Methods().Get(j)
			desc.Methods = append(desc.Methods, grpc.MethodDesc{
				MethodName: string(method.Name()),
				Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
					in := dynamicpb.NewMessage(method.Input())
					if err := decode(in); err != nil {
						return nil, err
					}
					return s.answer(ctx, method, in)
				},
			})
		}
		server.RegisterService(desc, nil)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(&listener{l, s}) //nolint:errcheck // it ends with an error whenever it is stopped
	}()
	return func() {
		server.Stop()
		<-ended
	}
}

// answer does a call, unless something is to go wrong.
func (s *Server) answer(ctx context.Context, method protoreflect.MethodDescriptor, in *dynamicpb.Message) (any, error) {
	name := string(method.Parent().Name()) + "/" + string(method.Name())
	s.mu.Lock()
	s.seen = append(s.seen, name)
	fault := s.due(name)
	s.mu.Unlock()
	if fault != nil && !fault.After {
		return nil, s.strike(ctx, fault)
	}
	out := dynamicpb.NewMessage(method.Output())
	err := s.try(ctx, name, in, out)
	if fault != nil && err == nil {
		return nil, s.strike(ctx, fault)
	}
	return out, err
}

func (s *Server) try(ctx context.Context, name string, in, out *dynamicpb.Message) error {
	if path := unknownIn(in, string(in.Descriptor().Name())); path != "" {
		return status.Errorf(codes.InvalidArgument, "chirpstacktest: %s has a field that is not known or of another type", path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.who(ctx)
	if err != nil {
		return err
	}
	do := map[string]func(Access, *dynamicpb.Message, *dynamicpb.Message) error{
		"TenantService/List":           s.listTenants,
		"ApplicationService/Get":       s.getApplication,
		"ApplicationService/List":      s.listApplications,
		"DeviceProfileService/Create":  s.createProfile,
		"DeviceProfileService/Get":     s.getProfile,
		"DeviceProfileService/Update":  s.updateProfile,
		"DeviceProfileService/List":    s.listProfiles,
		"DeviceService/Create":         s.createDevice,
		"DeviceService/Get":            s.getDevice,
		"DeviceService/Update":         s.updateDevice,
		"DeviceService/Delete":         s.deleteDevice,
		"DeviceService/CreateKeys":     s.createKeys,
		"DeviceService/GetKeys":        s.getKeys,
		"DeviceService/UpdateKeys":     s.updateKeys,
		"DeviceService/DeleteKeys":     s.deleteKeys,
		"DeviceService/FlushDevNonces": s.flushDevNonces,
	}[name]
	if do == nil {
		return status.Error(codes.Unimplemented, name)
	}
	return do(who, in, out)
}

// who tells what the caller may (chirpstack/src/api/auth/mod.rs). A key that nobody was
// given stands for one whose signature is wrong.
func (s *Server) who(ctx context.Context) (Access, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) == 0 {
		return Access{}, status.Error(codes.Unauthenticated, "no authorization provided")
	}
	key, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok {
		return Access{}, status.Error(codes.Unauthenticated, "authorization metadata must be in format 'Bearer <TOKEN>")
	}
	a, ok := s.access[key]
	if !ok {
		return Access{}, status.Error(codes.Unauthenticated, "InvalidSignature")
	}
	return a, nil
}

// unknownIn gives the path of a message that has fields of no known number and type; "":
// there is none.
func unknownIn(m protoreflect.Message, path string) (found string) {
	if len(m.GetUnknown()) > 0 {
		return path
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
			found = unknownIn(v.Message(), path+"."+string(fd.Name()))
		}
		return found == ""
	})
	return found
}

func (s *Server) message(name string) *dynamicpb.Message {
	return dynamicpb.NewMessage(s.api.Messages().ByName(protoreflect.Name(name)))
}

func (s *Server) newID() string {
	s.made++
	return fmt.Sprintf("5e7a0000-0000-4000-8000-%012x", s.made)
}

// text gives a field that is a text.
func text(m protoreflect.Message, name protoreflect.Name) string {
	return m.Get(m.Descriptor().Fields().ByName(name)).String()
}

func setText(m protoreflect.Message, name protoreflect.Name, value string) {
	m.Set(m.Descriptor().Fields().ByName(name), protoreflect.ValueOfString(value))
}

func number(m protoreflect.Message, name protoreflect.Name) int {
	return int(m.Get(m.Descriptor().Fields().ByName(name)).Uint())
}

// put sets a field to a copy of a message.
func put(out protoreflect.Message, name protoreflect.Name, m *dynamicpb.Message) {
	out.Set(out.Descriptor().Fields().ByName(name), protoreflect.ValueOfMessage(proto.Clone(m).ProtoReflect()))
}

// inner gives the message in a field, in a copy; nil: it is not there.
func inner(in protoreflect.Message, name protoreflect.Name) *dynamicpb.Message {
	fd := in.Descriptor().Fields().ByName(name)
	if !in.Has(fd) {
		return nil
	}
	m := dynamicpb.NewMessage(fd.Message())
	proto.Merge(m, in.Get(fd).Message().Interface())
	return m
}
