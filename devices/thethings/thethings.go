// Package thethings makes devices known to The Things Stack v3 over its HTTP API. A device
// stands in four registries there: the identity server, the join server, the network server
// and the application server. No call writes to more than one of them, so each is read,
// compared and put right by itself, in that order, and what an earlier call left half done
// is mended by the next.
//
// What is said here of The Things Stack was read in the source of v3.32.1
// (github.com/TheThingsNetwork/lorawan-stack). The package does not know where devices come
// from, how many there are, or when to try again.
package thethings

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"meldefunk/city/door"
)

// Client enrols devices in one application of a cluster. It implements enrol.Server and may
// be used by several goroutines.
type Client struct {
	cfg   Config
	key   string // the API key
	sites sites
	http  *http.Client
	pause func(context.Context, time.Duration) error // sleeps, unless the context ends first
}

// New makes a client and reads the API key. It does not contact the cluster.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	key, err := door.Secret{File: cfg.APIKeyFile, Env: cfg.APIKeyEnv}.Word()
	if err != nil {
		return nil, fmt.Errorf("thethings: API key: %w", err)
	}
	roots, err := door.Roots(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("thethings: %w", err)
	}
	return &Client{
		cfg:   cfg,
		key:   key,
		sites: cfg.sites(),
		http: &http.Client{
			Timeout: cfg.Timeout,
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				ForceAttemptHTTP2:   true,
				MaxIdleConnsPerHost: 16,
				IdleConnTimeout:     30 * time.Second,
			},
			// A redirect would carry the keys somewhere nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pause: pause,
	}, nil
}

// Name is that of the network server in the settings.
func (c *Client) Name() string { return c.cfg.Name }

// Close lets go of connections that are kept for further calls.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
