package main

import (
	"context"
	"fmt"
	"net"

	"meldefunk/dashboards/board"
)

// listenForMQTT opens the address for network servers that publish to us, if there are any.
func (a *app) listenForMQTT() (part, error) {
	if a.listener == nil {
		return part{}, nil
	}
	ln := a.mqtt // of the demo, which has to know it beforehand
	if ln == nil {
		var err error
		if ln, err = net.Listen("tcp", a.settings.MQTTListener.Listen); err != nil {
			return part{}, fmt.Errorf("mqtt_listener: %w: is another meldefunk or a broker running? Choose another address with mqtt_listener.listen", err)
		}
	}
	return part{"MQTT listener", func(ctx context.Context) error { return a.listener.Serve(ctx, ln) }}, nil
}

// readyForMQTT answers /readyz for each network server that publishes to us. One that is not
// connected may be away for its own reasons; it can come.
func (a *app) readyForMQTT() (checks []board.Check) {
	for _, c := range a.settings.NetworkServers {
		if c.Listen == nil {
			continue
		}
		check := board.Check{Name: "network server " + c.Name, OK: a.listener.Serving()}
		switch {
		case !check.OK:
			check.Reason = "not open for it"
		case a.listener.Connections(c.Name) == 0:
			check.Reason = "not connected to us"
		}
		checks = append(checks, check)
	}
	return checks
}
