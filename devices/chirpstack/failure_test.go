package chirpstack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"meldefunk/city/door/doortest"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/chirpstack/chirpstacktest"
)

// TestAccess asks with API keys that are not good enough.
func TestAccess(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(*stack, *Config)
		kind   enrol.Kind
		says   string
	}{
		{"wrong key", func(s *stack, _ *Config) { s.Revoke(apiKey) },
			enrol.Unauthorized, "look up the application: InvalidSignature: make a new API key"},
		{"key of another tenant", func(s *stack, _ *Config) { s.Grant(apiKey, chirpstacktest.Access{Tenant: s.other.tenant}) },
			enrol.Unauthorized, "look up the application: the API key may not do this, or what it is about does not exist"},
		{"application of another tenant", func(s *stack, c *Config) { c.Application = s.other.application },
			enrol.Unauthorized, "look up the application: the API key may not do this"},
		{"no such application, for the key of a tenant", func(s *stack, c *Config) { c.Application = s.tenant },
			enrol.Unauthorized, "look up the application: the API key may not do this, or what it is about does not exist"},
		{"no such application, for an administrator", func(s *stack, c *Config) {
			s.Grant(apiKey, chirpstacktest.Access{Admin: true})
			c.Application = s.tenant
		}, enrol.Missing, "look up the application: Object does not exist"},
		{"no application of that name", func(s *stack, c *Config) { c.Tenant, c.Application = s.tenant, "sensorik" },
			enrol.Missing, `look up the application: no application is called "sensorik"`},
		{"tenant by name, with the key of a tenant", func(s *stack, c *Config) { c.Tenant, c.Application = "Stadt", "Sensorik" },
			enrol.Unauthorized, `only the API key of an administrator may look tenants up by name: set tenant to the id of "Stadt"`},
		{"no tenant of that name", func(s *stack, c *Config) {
			s.Grant(apiKey, chirpstacktest.Access{Admin: true})
			c.Tenant, c.Application = "Dorf", "Sensorik"
		}, enrol.Missing, `no tenant is called "Dorf"`},
		{"application of another tenant than said", func(s *stack, c *Config) {
			s.Grant(apiKey, chirpstacktest.Access{Admin: true})
			c.Tenant = s.other.tenant
		}, enrol.Missing, "is not one of tenant "},
		{"key that may only read", func(s *stack, _ *Config) { s.Grant(apiKey, chirpstacktest.Access{Tenant: s.tenant, ReadOnly: true}) },
			enrol.Unauthorized, "make the device profile: the API key may not do this"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.config)
			refused(t, s.Enrol(background(t), bin(t)), c.kind, c.says)
			if ids := s.IDs(chirpstacktest.Device); len(ids) > 0 {
				t.Errorf("devices %v were made", ids)
			}
		})
	}
	t.Run("key revoked later is not taken for a missing device", func(t *testing.T) {
		s := start(t, nil)
		if err := s.Enrol(background(t), bin(t)); err != nil {
			t.Fatal(err)
		}
		s.Revoke(apiKey)
		_, err := s.Compare(background(t), bin(t))
		refused(t, err, enrol.Unauthorized, "")
		refused(t, s.Remove(background(t), bin(t).DevEUI), enrol.Unauthorized, "look up the application: InvalidSignature")
	})
	t.Run("application removed later", func(t *testing.T) {
		s := start(t, func(s *stack, _ *Config) { s.Grant(apiKey, chirpstacktest.Access{Admin: true}) })
		if err := s.Enrol(background(t), bin(t)); err != nil {
			t.Fatal(err)
		}
		for k, id := range map[chirpstacktest.Kind]string{chirpstacktest.Application: s.application, chirpstacktest.Device: binEUI} {
			if err := s.Put(k, id, nil); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, s.Enrol(background(t), bin(t)), enrol.Unreachable, "create the device: Record not found")
		refused(t, s.Enrol(background(t), bin(t)), enrol.Missing, "look up the application: Object does not exist")
	})
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		code    codes.Code
		message string
		kind    enrol.Kind
		says    string
	}{
		{codes.InvalidArgument, "Not allowed (Max number of devices exceeded for tenant)", enrol.Refused, "Max number of devices exceeded"},
		{codes.PermissionDenied, "", enrol.Unauthorized, "the API key may not do this"},
		{codes.Internal, "", enrol.Unreachable, "answered status 13 without a word"},
		{codes.ResourceExhausted, "langsam, bitte", enrol.Unreachable, "langsam, bitte"},
		{codes.Unimplemented, "", enrol.Missing, "is that ChirpStack v4?"},
		{codes.Internal, "your key " + apiKey + " and " + newHex + " are ümlaut 100 %", enrol.Unreachable, "your key <secret> and <secret> are ümlaut 100 %"},
	} {
		t.Run(c.code.String()+" "+c.message, func(t *testing.T) {
			s := start(t, nil)
			s.Fail(chirpstacktest.Fault{Method: "DeviceService/Create", Code: c.code, Message: c.message})
			err := s.Enrol(background(t), bin(t))
			refused(t, err, c.kind, c.says)
			if e := (*enrol.Error)(nil); !errors.As(err, &e) || e.DevEUI != bin(t).DevEUI || e.Step != "create the device" {
				t.Errorf("error %#v, want the device and the step", err)
			}
		})
	}
}

func TestPatience(t *testing.T) {
	t.Run("ours ends", func(t *testing.T) {
		s := start(t, func(_ *stack, c *Config) { c.Timeout = time.Second })
		s.Fail(chirpstacktest.Fault{Method: "DeviceService/Create", Hang: true})
		err := s.Enrol(background(t), bin(t))
		refused(t, err, enrol.Unreachable, "create the device: ")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v is not a deadline", err)
		}
	})
	t.Run("the caller's ends", func(t *testing.T) {
		s := start(t, nil)
		ctx, cancel := context.WithCancel(background(t))
		cancel()
		err := s.Enrol(ctx, bin(t))
		refused(t, err, enrol.Unreachable, "")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v is not a cancellation", err)
		}
	})
}

// TestForeign lets others answer in ChirpStack's place.
func TestForeign(t *testing.T) {
	message := func(b ...byte) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Trailer", "Grpc-Status")
			w.Write(b) //nolint:errcheck // the client sees what came
			w.Header().Set("Grpc-Status", "0")
		}
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		kind   enrol.Kind
		says   string
	}{
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, enrol.Missing, "in place of gRPC"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://neu.example/?t="+r.Header.Get("Authorization")[7:], http.StatusMovedPermanently)
		}, enrol.Missing, `a redirect to "https://neu.example/?t=<secret>"`},
		{"login before it", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, enrol.Unauthorized, "does not let us in"},
		{"bad gateway", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, enrol.Unreachable, "answered 502"},
		{"not found", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, enrol.Missing, "there is no gRPC at"},
		{"no status", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/grpc") }, enrol.Unreachable, "it has no status"},
		{"status that is no number", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "gut")
		}, enrol.Missing, `the status "gut"`},
		{"nothing", message(), enrol.Missing, "0 bytes that are not one message"},
		{"compressed", message(1, 0, 0, 0, 0), enrol.Missing, "5 bytes that are not one message"},
		{"too short", message(0, 0, 0, 0, 9, 1), enrol.Missing, "6 bytes that are not one message"},
		{"two messages", message(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), enrol.Missing, "10 bytes that are not one message"},
		{"not protobuf", message(0, 0, 0, 0, 1, 0xff), enrol.Missing, "no field begins at byte 0"},
		{"not protobuf inside", message(0, 0, 0, 0, 3, 0x0a, 1, 0xff), enrol.Missing, "no field begins at byte 0"},
		{"nothing in it", message(0, 0, 0, 0, 0), enrol.Missing, "an application without a tenant"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			io.CopyN(w, zero{}, maxAnswer+prefix+1) //nolint:errcheck // the client hangs up
		}, enrol.Missing, "the answer is longer than 4194304 bytes"},
		{"break", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Write([]byte{0}) //nolint:errcheck // it breaks off in any case
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, enrol.Unreachable, "the answer broke off: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.answer)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Config.Protocols = &http.Protocols{}
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			t.Cleanup(server.Close)
			client := dial(t, server.URL, nil)
			refused(t, client.Enrol(background(t), bin(t)), c.kind, c.says)
		})
	}
	t.Run("asks to wait", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		server.Config.Protocols = &http.Protocols{}
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
		t.Cleanup(server.Close)
		e := (*enrol.Error)(nil)
		if err := dial(t, server.URL, nil).Enrol(background(t), bin(t)); !errors.As(err, &e) || e.Kind != enrol.Unreachable || e.After != 90*time.Second {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		refused(t, dial(t, "http://"+l.Addr().String(), nil).Enrol(background(t), bin(t)), enrol.Unreachable, "connection refused")
	})
	t.Run("HTTP/1.1", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		refused(t, dial(t, server.URL, nil).Enrol(background(t), bin(t)), enrol.Unreachable, "")
	})
	t.Run("something else of what was asked for", func(t *testing.T) {
		s := start(t, nil)
		if err := s.Enrol(background(t), bin(t)); err != nil {
			t.Fatal(err)
		}
		s.edit(t, chirpstacktest.Keys, binEUI, func(f fields) { f["dev_eui"] = nwkHex })
		_, err := s.Compare(background(t), bin(t))
		refused(t, err, enrol.Missing, `keys of "<secret>" in place of `+binEUI)
		s.edit(t, chirpstacktest.Device, binEUI, func(f fields) { f["dev_eui"] = "a840410001810002" })
		_, err = s.Compare(background(t), bin(t))
		refused(t, err, enrol.Missing, `device "a840410001810002" in place of `+binEUI)
	})
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestTLS speaks to a stand-in with a certificate.
func TestTLS(t *testing.T) {
	ours := doortest.NewAuthority(t, "ours")
	cert, private := ours.Issue("chirpstack", 2, time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(private))
	if err != nil {
		t.Fatal(err)
	}
	ca := doortest.File(t, "ca.pem", ours.PEM)
	s := start(t, nil)
	port := serve(t, s.Server, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	c := dial(t, "https://127.0.0.1:"+port, func(c *Config) { c.CAFile, c.Application = ca, s.application })
	if err := c.Enrol(background(t), bin(t)); err != nil {
		t.Error(err)
	}
	if ids := s.IDs(chirpstacktest.Device); !slices.Equal(ids, []string{binEUI}) {
		t.Errorf("devices %v", ids)
	}
	stranger := dial(t, "https://127.0.0.1:"+port, nil)
	refused(t, stranger.Enrol(background(t), bin(t)), enrol.Unreachable, "certificate")
	wrong := dial(t, "https://localhost:"+port, func(c *Config) { c.CAFile = ca })
	refused(t, wrong.Enrol(background(t), bin(t)), enrol.Unreachable, "certificate")
}
