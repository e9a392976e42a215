package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/tickets"
	"meldefunk/tickets/georeport"
	"meldefunk/tickets/open311"
)

// standIn is a strict Open311 server in the place of the city's ticket system.
type standIn struct {
	address string
	server  *georeport.Server
	http    *http.Server
	served  chan error
}

// demoSecret makes a secret for this folder, once, and gives the file it lies in.
func demoSecret(dir, name string) (path string, err error) {
	path = filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, os.WriteFile(path, []byte(rand.Text()+"\n"), 0o600)
}

func startStandIn(dir, keyFile string, now func() time.Time, log zerolog.Logger) (*standIn, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	var services []georeport.Service
	for _, s := range tickets.Services() {
		services = append(services, georeport.Service{Code: s.Code, Name: s.Name, Group: s.Group})
	}
	server, err := georeport.New(georeport.Config{
		APIKey: strings.TrimSpace(string(key)), Services: services, Now: now, Path: filepath.Join(dir, "open311.jsonl"),
	})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	s := &standIn{
		address: listener.Addr().String(), server: server, served: make(chan error, 1),
		http: &http.Server{Handler: server, ReadHeaderTimeout: 5 * time.Second, ErrorLog: stdlog.New(log, "", 0)},
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// settings makes the platform use this server, and not wait long for it.
func (s *standIn) settings(c tickets.Config, keyFile string) tickets.Config {
	c.System = tickets.SystemOpen311
	c.Backoff = []time.Duration{time.Second, 5 * time.Second}
	c.Open311 = open311.DefaultConfig()
	c.Open311.Endpoint = "http://" + s.address
	c.Open311.APIKeyFile = keyFile
	c.Open311.Updates = open311.UpdatesRequest
	c.Open311.ServiceMap = map[string]string{}
	for _, service := range tickets.Services() {
		c.Open311.ServiceMap[service.Code] = service.Code
	}
	return c
}

func (s *standIn) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("stand-in for the ticket server: %w", served))
	}
	return errors.Join(err, s.server.Close())
}
