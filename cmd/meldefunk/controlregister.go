package main

import (
	"context"
	"net/http"

	"meldefunk/city/register"
)

// maxRegister bounds a change of the register that comes by the control socket, in bytes: a
// device with its asset takes two thousand of them.
const maxRegister = 256 << 20

func (c *control) changeRegister(w http.ResponseWriter, r *http.Request) {
	var change register.Change
	if !controlBody(w, r, &change, maxRegister) {
		return
	}
	controlDone(w, 0, c.register.ChangeRegister(r.Context(), change))
}

func (c *control) putRegistrations(w http.ResponseWriter, r *http.Request) {
	var all []register.Registration
	if !controlBody(w, r, &all, maxRegister) {
		return
	}
	controlDone(w, 0, c.register.PutRegistrations(r.Context(), all))
}

// ChangeRegister has a change kept by the running platform.
func (c *controlClient) ChangeRegister(ctx context.Context, change register.Change) error {
	_, err := c.ask(ctx, http.MethodPost, "/v1/register/changes", change)
	return err
}

// PutRegistrations has the running platform keep what network servers were told.
func (c *controlClient) PutRegistrations(ctx context.Context, all []register.Registration) error {
	_, err := c.ask(ctx, http.MethodPost, "/v1/register/registrations", all)
	return err
}
