package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"meldefunk/city"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

// offline is what works on the stored data while the platform does not run: the same road
// as serve's, without network servers and followers.
type offline struct {
	settings settings
	files    *files
	store    *sqlite.Store // closed by work
	road     *pipeline.Road
	log      zerolog.Logger
}

func openOffline(ctx context.Context, path string, logTo io.Writer) (*offline, error) {
	s, err := loadSettings(path)
	if err != nil {
		return nil, err
	}
	log := newLogger(s.Log, logTo)
	registry := prometheus.NewRegistry()
	sandbox, err := openSandbox(s.Codecs, nil, log, registry)
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return nil, err
	}
	f, err := loadFiles(ctx, s, store, sandbox)
	if err != nil {
		return nil, errors.Join(usageError{err}, store.Close())
	}
	road := pipeline.New(s.Road, pipeline.Parts{
		Inventory: f, Keys: f, Frames: f, Decoder: f, Judge: f, Store: store,
		Follow: func(*city.Commit) {}, Ref: newRef, Now: time.Now,
	}, log, registry)
	return &offline{settings: s, files: f, store: store, road: road, log: log}, nil
}

// work does something with what is stored, while the sandbox for codecs runs, and closes
// the store.
func (at *offline) work(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() { err = errors.Join(err, at.store.Close()) }()
	if at.files.sandbox == nil {
		return do(ctx)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sandbox errgroup.Group
	sandbox.Go(func() error { return at.files.sandbox.Run(running) })
	defer func() { err = errors.Join(err, sandbox.Wait()) }()
	defer stop()
	return do(ctx)
}
