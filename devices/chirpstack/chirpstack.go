// Package chirpstack makes devices known to ChirpStack v4 over its gRPC API. A device stands
// there with a device profile, which says how its model speaks LoRaWAN, and its root keys
// stand beside it: no call writes both, so each is read, compared and put right by itself,
// and what an earlier call left half done is mended by the next.
//
// What is said here of ChirpStack was read in its source of July 2026, before v4.20.0
// (github.com/chirpstack/chirpstack). The package does not know where devices come from, how
// many there are, or when to try again.
package chirpstack

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"time"

	"meldefunk/city/door"
)

// Client enrols devices in one application of a ChirpStack. It implements enrol.Server and
// may be used by several goroutines.
type Client struct {
	cfg    Config
	key    string // the API key
	http   *http.Client
	writes chan struct{} // held by the one that makes or changes a device profile

	mu       sync.Mutex
	here     place             // where the devices stand; zero: not looked up yet
	profiles map[string]string // ids of device profiles by name
}

// New makes a client and reads the API key. It does not contact ChirpStack.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	key, err := door.Secret{File: cfg.APIKeyFile, Env: cfg.APIKeyEnv}.Word()
	if err != nil {
		return nil, fmt.Errorf("chirpstack: API key: %w", err)
	}
	roots, err := door.Roots(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("chirpstack: %w", err)
	}
	speaks := &http.Protocols{} // gRPC is spoken over HTTP/2 alone
	speaks.SetHTTP2(true)
	speaks.SetUnencryptedHTTP2(true)
	return &Client{
		cfg:      cfg,
		key:      key,
		writes:   make(chan struct{}, 1),
		profiles: map[string]string{},
		http: &http.Client{
			Timeout: cfg.Timeout,
			Transport: &http.Transport{
				Proxy:           http.ProxyFromEnvironment,
				TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				Protocols:       speaks,
				// A connection that went away without a word must not keep all calls waiting.
				HTTP2:           &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
				IdleConnTimeout: 30 * time.Second,
			},
			// A redirect would carry the keys somewhere nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Name is that of the network server in the settings.
func (c *Client) Name() string { return c.cfg.Name }

// Close lets go of connections that are kept for further calls.
func (c *Client) Close() { c.http.CloseIdleConnections() }
