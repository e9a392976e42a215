package main

import (
	"context"
	"fmt"
	"net"
)

// listenForTickets opens the address that ticket systems post to, if there is one.
func (a *app) listenForTickets() (part, error) {
	if a.inbox == nil {
		return part{}, nil
	}
	listener, err := net.Listen("tcp", a.settings.Tickets.Inbox.Listen)
	if err != nil {
		return part{}, fmt.Errorf("tickets: inbox: %w: is another meldefunk running? Choose another address with tickets.inbox.listen", err)
	}
	return part{"ticket inbox", func(ctx context.Context) error { return a.inbox.Serve(ctx, listener) }}, nil
}
