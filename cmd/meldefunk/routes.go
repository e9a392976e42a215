package main

import (
	"fmt"
	"time"

	"meldefunk/rules"
	"meldefunk/rules/calendar"
	"meldefunk/tickets"
)

// loadRoutes reads where tickets go. Hours are written as in rules, and read by the clock of
// tickets and the holidays of the configuration.
func loadRoutes(s settings, set *rules.Set) (*tickets.Routes, error) {
	holidays, err := s.holidays()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	zone, err := time.LoadLocation(s.Tickets.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("%s: tickets: time_zone: %w", s.file, err)
	}
	parts := tickets.RouteParts{
		File: s.file, Now: time.Now,
		Calendar: func(windows []string) (tickets.Calendar, error) {
			all := make([]calendar.Window, len(windows))
			for i, text := range windows {
				w, err := calendar.Parse(text)
				if err != nil {
					return nil, err
				}
				all[i] = w
			}
			return calendar.New(zone, holidays, all, nil), nil
		},
	}
	for _, r := range set.Rules() {
		parts.Services = append(parts.Services, r.Service)
	}
	return tickets.LoadRoutes(s.Tickets, parts)
}
