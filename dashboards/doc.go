// Package dashboards holds what people look at: board is the built-in web board,
// grafana makes boards for Grafana. Each is a child folder of its own; nothing is done here.
//
// It does not know how readings come about, which rules judge them, or where they are
// kept: the boards are given small interfaces to read from.
package dashboards
