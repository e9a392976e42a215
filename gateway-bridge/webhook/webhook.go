// Package webhook takes what network servers post over HTTP: it checks who posts, reads the
// body within bounds, offers it to the road and answers 2xx after the commit, never before.
//
//	network server ── POST ──► Server ── Hook.Understand ──► offer ─► (the road)
//	                    ▲                                               │
//	                    └──────────────── 200 ◄──── Arrival.Acker.Ack ◄─┘
//
// It does not know what the bodies mean, nor what becomes of them after they were offered.
package webhook

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"meldefunk/city"
)

// Hook is where one network server posts.
type Hook struct {
	Server  string // configured name of the network server
	Path    string // "/stadtwerke"; what follows it names the event, unless ?event= does
	Secret  Secret
	MaxBody int // bytes, packed and unpacked
	// Understand makes an arrival of a message, without Acker. What is rejected already,
	// is not nil. It may be called by any number of goroutines.
	Understand func(m *city.Message, rejected *city.Rejection) city.Arrival
}

// eventForm is what may name an event: a part of the topic under which the message is kept.
// The Things Stack can put ids of the device into the path, too.
var eventForm = regexp.MustCompile(`^[A-Za-z0-9_/-]{0,120}$`)

// event gives what the URL names the event, "" where it does not.
func event(r *http.Request, rest string) (string, bool) {
	name := rest
	if named := r.URL.Query().Get("event"); named != "" {
		name = named
	}
	return name, eventForm.MatchString(name)
}

// topic is what a posted message is kept under, in place of one of MQTT.
func topic(server, event string) string { return "webhook/" + server + "/" + event }

// find gives the hook of a path and what follows it.
func find(hooks []Hook, path string) (*Hook, string) {
	for i := range hooks {
		rest, found := strings.CutPrefix(path, hooks[i].Path)
		if found && (rest == "" || rest[0] == '/') {
			return &hooks[i], strings.TrimPrefix(rest, "/")
		}
	}
	return nil, ""
}

// overlap tells whether a post to one path could be meant for the other.
func overlap(a, b string) bool {
	return strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/")
}

// receipt is the Acker of one post.
type receipt chan struct{}

// Ack lets the post be answered. Nobody has to be waiting any more.
func (r receipt) Ack() { close(r) }

// Offer takes an arrival into the road; see bridge.Offer. It is called by one goroutine for
// each post.
type Offer func(ctx context.Context, a city.Arrival) error
