// Package open311 speaks Open311 GeoReport v2 as a client: open a service request, find
// it again, close it. It sends only what the specification declares, trusts no answer by
// its status alone, and says of every failure whether the request may have been done.
//
// It asks for JSON only, and opens requests only in services that give a number at once
// (type "realtime"). It does not know what a case is, who wrote the words it sends, or
// when to try again.
package open311

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"meldefunk/city"
)

// Report is what a service request is about.
type Report struct {
	Ref         string         // our own key
	Marker      string         // how Ref stands in Description; searched for
	Service     string         // our service code; the service map gives theirs
	Description string         // at most 4000 characters
	Address     string         // "" where unknown
	Position    *city.Position // nil where unknown
	SentAt      time.Time      // begin of the create that may have made it
}

// Linked tells which of our refs a number of the ticket system already belongs to.
type Linked func(ctx context.Context, externalID string) (ref string, linked bool, err error)

// Client is a GeoReport v2 client for one endpoint. It may be used by several goroutines.
type Client struct {
	cfg    Config
	base   string // endpoint without a slash at the end
	key    string
	linked Linked
	http   *http.Client
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
	// HTTP/1.1 on a fresh connection each time: on a connection that is used again Go
	// repeats a request by itself when the server hangs up, and HTTP/2 does so too.
	var only1 http.Protocols
	only1.SetHTTP1(true)
	return &Client{
		cfg:    cfg,
		base:   strings.TrimRight(cfg.Endpoint, "/"),
		key:    key,
		linked: linked,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:             http.ProxyFromEnvironment,
				DisableKeepAlives: true,
				Protocols:         &only1,
			},
			// A redirect would carry the key somewhere nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Closes tells whether the endpoint lets us close what we opened.
func (c *Client) Closes() bool { return c.cfg.Updates == UpdatesRequest }

// theirs gives the endpoint's code for one of our services.
func (c *Client) theirs(service string) (string, error) {
	if code := c.cfg.ServiceMap[service]; code != "" {
		return code, nil
	}
	return "", &Error{Outcome: Refused, msg: fmt.Sprintf("service %q is not in service_map: add the ticket system's code for it", service)}
}

// query gives the arguments every call has.
func (c *Client) query() url.Values {
	q := url.Values{}
	if c.cfg.JurisdictionID != "" {
		q.Set("jurisdiction_id", c.cfg.JurisdictionID)
	}
	return q
}

// stamp writes a time as strict servers want it: no fraction, no zone but Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
