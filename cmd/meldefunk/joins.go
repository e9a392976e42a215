package main

import (
	"context"
	"fmt"
	"net"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
	"meldefunk/devices/joinserver"
	"meldefunk/storage/sqlite"
)

var (
	_ joinserver.Store = (*joins)(nil)
	_ joinserver.KEKs  = (*files)(nil)
)

// joins is where the join server finds devices: in the register, with their root keys opened
// by the keys of now.
type joins struct {
	store    *sqlite.Store
	files    *files
	settings joinServer
	home     lorawan.NetID
	homes    map[string]lorawan.NetID // of network servers, by their names
}

// newJoinServer makes the join server; nil: none is wanted.
func (a *app) newJoinServer() (*joinserver.Server, error) {
	c := a.settings.JoinServer
	if !c.wanted() {
		return nil, nil
	}
	j := &joins{store: a.store, files: a.files, settings: c, homes: map[string]lorawan.NetID{}}
	var err error
	if j.home, err = c.home(); err != nil {
		return nil, ofSection("join_server", err)
	}
	for _, p := range c.Peers {
		if id, err := lorawan.ParseNetID(p.ID); err == nil && p.Role == joinserver.NetworkServer {
			j.homes[p.Name] = id
		}
	}
	server, err := joinserver.New(c.Config, j, a.files, a.now, a.log, a.registry)
	return server, ofSection("join_server", err)
}

// Device gives a device of the register. Where it stands is read after the device itself: who
// changes the device in between is found by its revision, see Join.
func (j *joins) Device(ctx context.Context, devEUI city.EUI) (d joinserver.Device, err error) {
	kept, err := j.store.RegisteredDevice(ctx, devEUI)
	if err != nil {
		return d, err
	}
	d = joinserver.Device{
		DevEUI: devEUI, JoinEUI: kept.JoinEUI, Version: kept.Version, Home: j.home, KEK: j.settings.KEK,
		ByID: j.settings.ApplicationServer != "", ApplicationServer: j.settings.ApplicationServer,
		Disabled: kept.State == register.Retired, Revision: kept.Revision,
	}
	if home, tied := j.homes[kept.Server]; tied {
		d.Home = home
	}
	if d.State, err = j.store.JoinState(ctx, devEUI); err != nil {
		return d, err
	}
	if d.Keys, err = j.files.OpenRoot(kept.Keys); err != nil {
		return d, fmt.Errorf("root keys of %s: %w", devEUI, err)
	}
	return d, nil
}

// Join is the store's.
func (j *joins) Join(ctx context.Context, g joinserver.Grant) error {
	return j.store.PutJoin(ctx, g.DevEUI, g.Revision, g.State, g.Key)
}

// SessionKey is the store's.
func (j *joins) SessionKey(ctx context.Context, devEUI city.EUI, id register.SessionKeyID) (register.SessionKey, error) {
	return j.store.SessionKey(ctx, devEUI, id)
}

// listenForJoins opens the address of the join server, if there is one.
func (a *app) listenForJoins() (part, error) {
	if a.joins == nil {
		return part{}, nil
	}
	ln, err := net.Listen("tcp", a.settings.JoinServer.Listen)
	if err != nil {
		return part{}, fmt.Errorf("join_server: %w: is another meldefunk running? Choose another address with join_server.listen", err)
	}
	return part{"join server", func(ctx context.Context) error { return a.joins.Serve(ctx, ln) }}, nil
}

// readyForJoins answers /readyz for the join server.
func (a *app) readyForJoins() board.Check {
	check := board.Check{Name: "join server", OK: a.joins.Serving()}
	if !check.OK {
		check.Reason = "not open for network servers"
	}
	return check
}
