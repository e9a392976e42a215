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
type Linked func(ctx context.Context, system, externalID string) (ref string, linked bool, err error)

// Parts are what ticket systems need beside their settings.
type Parts struct {
	Linked Linked
	// Orders gives what is open in a ticket system, for one that is told all of it each time.
	Orders func(ctx context.Context, system string) ([]city.Order, error)
	// Codes gives a ticket system's categories that routes name; nil: none do.
	Codes func(system string) []string
	Now   func() time.Time
	Log   zerolog.Logger
}

// Open makes every ticket system that is configured, by its name, the local list among them.
// It contacts none; see Checker. One that has a Run method works only while that runs.
func Open(cfg Config, parts Parts) (map[string]System, error) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("tickets: time_zone: %w", err)
	}
	if err := cfg.oneOfThem(cfg.System); err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	all := map[string]System{}
	var errs []error
	for name, s := range cfg.all() {
		system, err := open(name, s, zone, parts)
		if err != nil {
			errs = append(errs, fmt.Errorf("ticket system %s: %w", name, err))
			continue
		}
		all[name] = system
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

func open(name string, s SystemConfig, zone *time.Location, parts Parts) (System, error) {
	switch s.Kind {
	case SystemLocal:
		return Local{}, nil
	case SystemOpen311:
		client, err := open311.New(s.Open311, func(ctx context.Context, id string) (string, bool, error) {
			return parts.Linked(ctx, name, id)
		})
		if err == nil && parts.Codes != nil {
			client.AlsoUse(func() []string { return parts.Codes(name) })
		}
		return made(client, err)
	case SystemMail:
		return made(mail.New(s.Mail))
	case SystemWebhook:
		return made(webhook.New(s.Webhook, parts.Now))
	case SystemCSV:
		return made(csv.New(s.CSV, func(ctx context.Context) ([]city.Order, error) {
			return parts.Orders(ctx, name)
		}, named, zone, parts.Log))
	}
	return nil, fmt.Errorf("kind %.40q: want one of %s", s.Kind, strings.Join(systems, ", "))
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
