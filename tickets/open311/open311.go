// Package open311 speaks Open311 GeoReport v2 as a client: open a service request, find
// it again, read how it stands, add to it, close and reopen it. What endpoints do beyond
// or short of the specification is data, a Flavour. It sends only what the specification
// or the flavour declares, reads every shape of answer that is known, trusts none by its
// status alone, and says of every failure whether the request may have been done.
//
// It does not know who wrote the words it sends, or when to try again.
package open311

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Linked tells which of our refs a number of the ticket system already belongs to.
type Linked func(ctx context.Context, externalID string) (ref string, linked bool, err error)

// Client is a GeoReport v2 client for one endpoint. It may be used by several goroutines.
// An error of any of its methods is a *city.Failure without the API key in it.
type Client struct {
	cfg      Config
	flavour  Flavour
	pages    paging
	channels channels
	base     string // endpoint without a slash at the end
	key      string
	linked   Linked
	also     func() []string // services that orders name; nil: none
	http     *http.Client

	mu       sync.Mutex
	services catalogue         // what the last look at the services found
	tokens   map[string]string // promised numbers by ref
}

// New makes a client and reads the API key. It does not contact the endpoint; see Check.
func New(cfg Config, linked Linked) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	key, err := cfg.apiKey()
	if err != nil {
		return nil, err
	}
	if linked == nil {
		return nil, errors.New("open311: a client needs to know which numbers are taken")
	}
	roots, err := door.Roots(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("open311: %w", err)
	}
	flavour := cfg.flavour()
	// HTTP/1.1 on a fresh connection each time: on a connection that is used again Go
	// repeats a request by itself when the server hangs up, and HTTP/2 does so too.
	var only1 http.Protocols
	only1.SetHTTP1(true)
	return &Client{
		cfg:      cfg,
		flavour:  flavour,
		pages:    pagings()[flavour.Paging],
		channels: cfg.channels(flavour),
		base:     strings.TrimRight(cfg.Endpoint, "/"),
		key:      key,
		linked:   linked,
		tokens:   map[string]string{},
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:             http.ProxyFromEnvironment,
				DisableKeepAlives: true,
				Protocols:         &only1,
				TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			},
			// A redirect would carry the key somewhere nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Name is the word for logs and metrics.
func (c *Client) Name() string { return "open311" }

// theirs gives the endpoint's code for an order: the one it names, or by the service map.
func (c *Client) theirs(o city.Order) (string, error) {
	if code := cmp.Or(o.Code, c.cfg.ServiceMap[o.Case.Service]); code != "" {
		return code, nil
	}
	return "", refuse("service %q is not in service_map, and its route has no code: add the ticket system's code for it", o.Case.Service)
}

// Closes tells whether there is a way to close requests.
func (c *Client) Closes() bool { return c.channels.close.method != "" }

// Notes tells whether there is a way to add to requests.
func (c *Client) Notes() bool { return c.channels.note.method != "" }

// Reopens tells whether there is a way to open requests again.
func (c *Client) Reopens() bool { return c.channels.reopen.method != "" }

// query gives the arguments every call has.
func (c *Client) query() url.Values {
	q := url.Values{}
	if c.cfg.JurisdictionID != "" {
		q.Set("jurisdiction_id", c.cfg.JurisdictionID)
	}
	return q
}

// reading gives the arguments of calls that read requests.
func (c *Client) reading() url.Values {
	q := c.query()
	for name, value := range c.flavour.Args {
		q.Set(name, value)
	}
	return q
}

// path names a resource, its parts escaped, in the format the flavour speaks.
func (c *Client) path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String() + "." + c.flavour.Format
}

// stamp writes a time as strict servers want it: no fraction, no zone but Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
