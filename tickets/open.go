package tickets

import (
	"context"
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
		return made(open311.New(cfg.Open311, open311.Linked(parts.Linked)))
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
