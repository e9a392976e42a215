package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/tickets"
)

// previewOptions say of which case a text is wanted.
type previewOptions struct {
	service, rule, asset string
	json                 bool
}

func ticketPreviewCommand() *cobra.Command {
	var path string
	var o previewOptions
	c := &cobra.Command{
		Use:   "preview",
		Short: "Show what a ticket system would be told of a case",
		Long: `Show title, text and facts of the ticket that a rule, or a case of a category, would
bring at an asset, where it would go, and which route says so. The value is the rule's
threshold. Nothing is sent, and neither database nor platform are needed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (o.service == "") == (o.rule == "") {
				return usageError{errors.New("of what? Give one of --service and --rule, and an --asset")}
			}
			s, err := loadSettings(path)
			if err != nil {
				return err
			}
			return previewTicket(c.Context(), s, o, time.Now(), c.OutOrStdout())
		},
	}
	configFlag(c, &path)
	f := c.Flags()
	f.StringVar(&o.service, "service", "", "of this `category`, like OS-ABF-01")
	f.StringVar(&o.rule, "rule", "", "of this `rule`")
	f.StringVar(&o.asset, "asset", "", "at this `asset`")
	f.BoolVar(&o.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("rule", completeRules) // fails only for a flag that is not there
	return c
}

// sampleRef stands where a case has its reference.
const sampleRef = "S-00000000"

func previewTicket(ctx context.Context, s settings, o previewOptions, now time.Time, out io.Writer) error {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return err
	}
	inventory, err := inventoryOf(ctx, s)
	if err != nil {
		return err
	}
	c := city.Case{Ref: sampleRef, Service: o.service, Asset: o.asset, Opened: now, Since: now, Grade: 1}
	asset, known := inventory.Asset(o.asset)
	if !known {
		var ids []string
		for _, a := range inventory.Assets() {
			ids = append(ids, a.ID)
		}
		return usageError{notAmong("--asset", o.asset, ids)}
	}
	if o.rule != "" {
		if err := ofRule(&c, s, o.rule); err != nil {
			return err
		}
	} else if _, known := tickets.FindService(o.service); !known {
		return usageError{fmt.Errorf("--service: %.40q is no category of ours; --rule previews those of your own", o.service)}
	}
	set, _, err := loadRules(s, "")
	if err != nil {
		return err
	}
	routes, err := loadRoutes(s, set)
	if err != nil {
		return usageError{err}
	}
	shown := previewed(c, asset, routes, zone)
	if o.json {
		return json.NewEncoder(out).Encode(shown)
	}
	_, err = io.WriteString(out, shown.text())
	return err
}

// ofRule makes a case one that a rule has opened at its mildest threshold.
func ofRule(c *city.Case, s settings, id string) error {
	set, _, err := loadRules(s, "")
	if err != nil {
		return err
	}
	for _, r := range set.Rules() {
		if r.ID != id {
			continue
		}
		c.Rule, c.Service, c.Title, c.Advice = r.ID, r.Service, r.Title, r.Advice
		level := &r.Levels[0]
		c.Grade, c.Since = level.Severity, c.Opened.Add(-level.For)
		limited, ok := level.Open.(rules.Limited)
		if needs := level.Open.Needs().Quantities; ok && len(needs) == 1 {
			c.Quantity, c.Value, c.Limit = needs[0], limited.Limit(), limited.Limit()
		}
		return nil
	}
	return usageError{fmt.Errorf("--rule: there is no rule %.40q; meldefunk rule list shows them", id)}
}

// shownOrder is what a ticket system is told, and why it is that one, as JSON.
type shownOrder struct {
	System     string            `json:"system"`
	Unit       string            `json:"unit,omitempty"`
	Code       string            `json:"code,omitempty"` // the ticket system's category
	Title      string            `json:"title"`
	Text       string            `json:"text"`
	Closing    string            `json:"closing,omitempty"`
	Place      string            `json:"place,omitempty"`
	Attributes map[string]string `json:"attributes"`
	Decided    []shownDecided    `json:"decided"`
	order      []city.Attribute  // Attributes, in their order
}

// shownDecided is one field of a route.
type shownDecided struct {
	Field string `json:"field"`
	Value string `json:"value"`
	By    string `json:"by"`
}

func previewed(c city.Case, a *city.Asset, routes *tickets.Routes, zone *time.Location) shownOrder {
	route, decided := routes.Explain(&c, a)
	o := tickets.Preview(c, a, route, zone)
	s := shownOrder{System: route.System, Unit: route.Unit, Code: o.Code, Title: o.Title, Text: o.Text, Closing: o.Closing, Place: o.Place,
		Attributes: map[string]string{}, order: o.Attributes}
	for _, a := range o.Attributes {
		s.Attributes[a.Code] = a.Value
	}
	for _, d := range decided {
		s.Decided = append(s.Decided, shownDecided{d.Field, d.Value, d.By})
	}
	return s
}

// text is the order for people.
func (s *shownOrder) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Texts\n  %s\n\n", oneLine(s.Title))
	for _, l := range strings.Split(s.Text, "\n") {
		fmt.Fprintf(&b, "  %s\n", oneLine(l))
	}
	if s.Closing != "" {
		fmt.Fprintf(&b, "\n  %s\n", oneLine(s.Closing))
	}
	b.WriteString("\nFacts\n")
	for _, a := range s.order {
		fmt.Fprintf(&b, "  %-12s %s\n", a.Code, oneLine(a.Value))
	}
	b.WriteString("\nRoute\n")
	for _, d := range s.Decided {
		fmt.Fprintf(&b, "  %-14s %s  (%s)\n", d.Field, oneLine(d.Value), oneLine(d.By))
	}
	return b.String()
}
