// Package dashboards holds what people look at, and what their programs read: board is the
// built-in web board, access who may see it, grafana makes boards for Grafana, sensorthings
// gives readings as open data. Each is a child folder of its own; nothing is done here.
//
// It does not know how readings come about, which rules judge them, or where they are
// kept: the boards are given small interfaces to read from.
package dashboards
