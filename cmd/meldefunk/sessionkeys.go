package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"meldefunk/devices/keys"
)

// rewrapRequest is the body of POST /v1/register/sessionkeys. From "" is any but To.
type rewrapRequest struct {
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

func (c *control) rewrapSessionKeys(w http.ResponseWriter, r *http.Request) {
	var in rewrapRequest
	if !controlBody(w, r, &in, maxControl) {
		return
	}
	n, err := c.register.RewrapSessionKeys(r.Context(), in.From, in.To)
	controlDone(w, int64(n), err)
}

// RewrapSessionKeys has the running platform wrap session keys anew.
func (c *controlClient) RewrapSessionKeys(ctx context.Context, from, to string) (int, error) {
	a, err := c.ask(ctx, http.MethodPost, "/v1/register/sessionkeys", rewrapRequest{from, to})
	return int(a.ID), err
}

// RewrapSessionKeys wraps session keys anew, with the keys of the settings.
func (r *storeRegistrar) RewrapSessionKeys(ctx context.Context, from, to string) (int, error) {
	ring, err := keys.Load(r.settings.Keys)
	if err != nil {
		return 0, usageError{err}
	}
	return r.Store.RewrapSessionKeys(ctx, from, to, ring.RewrapKey)
}

// RewrapSessionKeys wraps session keys anew, with the keys of now.
func (a *app) RewrapSessionKeys(ctx context.Context, from, to string) (int, error) {
	n, err := a.store.RewrapSessionKeys(ctx, from, to, a.files.RewrapKey)
	a.log.Info().Int("keys", n).Str("kek", to).Err(err).Msg("session keys were wrapped anew")
	return n, err
}

// rewrapSessions wraps the session keys with another key encryption key that the join server
// keeps for an application server.
func rewrapSessions(ctx context.Context, f *fleet, r registrar, from, to string, out io.Writer) error {
	known := false
	for _, k := range f.settings.Keys.KEKs {
		known = known || k.Label == to
	}
	if !known {
		return usageError{fmt.Errorf("--to: %.60q is no label under keys.keks", to)}
	}
	n, err := r.RewrapSessionKeys(ctx, from, to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d session keys wrapped with %s\n", n, to)
	return err
}
