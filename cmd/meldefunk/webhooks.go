package main

import (
	"context"
	"fmt"
	"net"

	"meldefunk/dashboards/board"
)

// listenForPosts opens the address of the webhooks, if there are any.
func (a *app) listenForPosts() (part, error) {
	if a.webhooks == nil {
		return part{}, nil
	}
	listener, err := net.Listen("tcp", a.settings.Webhooks.Listen)
	if err != nil {
		return part{}, fmt.Errorf("webhooks: %w: is another meldefunk running? Choose another address with webhooks.listen", err)
	}
	return part{"webhooks", func(ctx context.Context) error { return a.webhooks.Serve(ctx, listener) }}, nil
}

// readyForPosts answers /readyz for all webhooks.
func (a *app) readyForPosts() board.Check {
	check := board.Check{Name: "webhooks", OK: a.webhooks.Serving()}
	if !check.OK {
		check.Reason = "not open for posts"
	}
	return check
}
