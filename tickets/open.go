package tickets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/tickets/csv"
	"meldefunk/tickets/mail"
	"meldefunk/tickets/open311"
	"meldefunk/tickets/webhook"
)

// Linked tells which ref a ticket system's number belongs to already; linked is false
// where none does. The open311 client asks it before it believes a number.
type Linked func(ctx context.Context, externalID string) (ref string, linked bool, err error)

// Parts are what a ticket system needs beside its settings.
type Parts struct {
	Linked Linked
	// Orders gives what is open, for a ticket system that is told all of it each time.
	Orders func(ctx context.Context) ([]city.Order, error)
	Now    func() time.Time
	Log    zerolog.Logger
}

// Open makes the ticket system that cfg chooses. It does not contact it; see Check. One
// that has a Run method works only while that runs.
func Open(cfg Config, parts Parts) (System, error) {
	switch cfg.System {
	case SystemLocal:
		return Local{}, nil
	case SystemOpen311:
		client, err := open311.New(cfg.Open311, open311.Linked(parts.Linked))
		if err != nil {
			return nil, err
		}
		return remote{client}, nil
	case SystemMail:
		return made(mail.New(cfg.Mail))
	case SystemWebhook:
		return made(webhook.New(cfg.Webhook, parts.Now))
	case SystemCSV:
		zone, err := time.LoadLocation(cfg.TimeZone)
		if err != nil {
			return nil, fmt.Errorf("tickets: time_zone: %w", err)
		}
		return made(csv.New(cfg.CSV, parts.Orders, named, zone, parts.Log))
	}
	return nil, fmt.Errorf("tickets: system %.40q: want one of %s", cfg.System, strings.Join(systems, ", "))
}

// made keeps a nil pointer from becoming a System.
func made[S System](s S, err error) (System, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// named gives the name of a service and its group.
func named(code string) (name, group string) {
	s, _ := FindService(code)
	return s.Name, s.Group
}

// Check asks a ticket system whether it can take what will be sent, where it has a way to
// tell. It changes nothing there.
func Check(ctx context.Context, s System) error {
	if c, ok := s.(interface{ Check(context.Context) error }); ok {
		return c.Check(ctx)
	}
	return nil
}

// remote is an Open311 client as a System.
type remote struct{ client *open311.Client }

var _ System = remote{}

func (r remote) Name() string { return SystemOpen311 }

func (r remote) Check(ctx context.Context) error { return failure(r.client.Check(ctx)) }

func (r remote) Create(ctx context.Context, o city.Order) (string, error) {
	id, err := r.client.Create(ctx, report(o))
	return id, failure(err)
}

func (r remote) Find(ctx context.Context, o city.Order) (string, bool, error) {
	id, found, err := r.client.Find(ctx, report(o))
	return id, found, failure(err)
}

func (r remote) Close(ctx context.Context, o city.Order, externalID string) error {
	return failure(r.client.Close(ctx, o.Case.Ref, externalID, o.Closing, o.Case.Closed))
}

func report(o city.Order) open311.Report {
	r := open311.Report{
		Ref:         o.Case.Ref,
		Marker:      o.Marker,
		Service:     o.Case.Service,
		Description: o.Title + "\n\n" + o.Text,
		SentAt:      o.SentAt,
	}
	if o.Asset != nil {
		r.Address, r.Position = oneLine(o.Asset.Address), o.Asset.Position
	}
	return r
}

// failure turns the client's error into ours.
func failure(err error) error {
	var e *open311.Error
	if !errors.As(err, &e) {
		return err
	}
	f := &city.Failure{Outcome: city.Unsure, Accepted: e.Accepted, After: e.After, Err: err}
	switch e.Outcome {
	case open311.Retry:
		f.Outcome = city.Retry
	case open311.Refused:
		f.Outcome = city.Refused
	case open311.Cannot:
		f.Outcome = city.Cannot
	}
	return f
}
