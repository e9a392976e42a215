package main

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

// offline is what works on the stored data while the platform does not run: the same road
// as serve's, without network servers and followers.
type offline struct {
	settings settings
	files    *files
	store    *sqlite.Store // to be closed by the caller
	road     *pipeline.Road
	log      zerolog.Logger
}

func openOffline(ctx context.Context, path string, logTo io.Writer) (*offline, error) {
	s, err := loadSettings(path)
	if err != nil {
		return nil, err
	}
	log := newLogger(s.Log, logTo)
	f, err := loadFiles(s)
	if err != nil {
		return nil, usageError{err}
	}
	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return nil, err
	}
	road := pipeline.New(s.Road, pipeline.Parts{
		Inventory: f, Decoder: f.models, Judge: f, Store: store,
		Follow: func(*city.Commit) {}, Ref: newRef, Now: time.Now,
	}, log, prometheus.NewRegistry())
	return &offline{settings: s, files: f, store: store, road: road, log: log}, nil
}
