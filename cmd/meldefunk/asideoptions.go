package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
)

// asideOptions choose set-aside messages, as given on the command line.
type asideOptions struct {
	reasons        []string
	server, device string
	older, newer   time.Duration
	all            bool
}

func (o *asideOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&o.reasons, "reason", nil, fmt.Sprintf("only of these `reasons`, comma separated: %v", city.Reasons()))
	f.StringVar(&o.server, "server", "", "only from this network server, by its `name` in the configuration")
	f.StringVar(&o.device, "device", "", "only from this `DevEUI`")
	f.DurationVar(&o.older, "older", 0, "only those last seen longer ago than this `duration`, like 720h")
	f.DurationVar(&o.newer, "newer", 0, "only those last seen within this `duration`, like 24h")
}

func (o *asideOptions) allFlag(c *cobra.Command) {
	c.Flags().BoolVar(&o.all, "all", false, "all of them")
}

// chosen is filter for commands that change something: what they are about is said.
func (o *asideOptions) chosen(ids []string, now time.Time) (city.AsideFilter, error) {
	filtered := len(ids)+len(o.reasons) > 0 || o.server != "" || o.device != "" || o.older != 0 || o.newer != 0
	switch {
	case !filtered && !o.all:
		return city.AsideFilter{}, errors.New("which messages? Give IDs (aside list shows them), filters like --reason, or --all")
	case filtered && o.all:
		return city.AsideFilter{}, errors.New("--all and a choice contradict each other: give one of them")
	}
	return o.filter(ids, now)
}

// filter reads the options; ages count back from now.
func (o *asideOptions) filter(ids []string, now time.Time) (city.AsideFilter, error) {
	f := city.AsideFilter{Server: o.server}
	var errs []error
	keys, err := asideKeys(ids)
	f.Keys, errs = keys, append(errs, err)
	for _, text := range o.reasons {
		if !slices.Contains(city.Reasons(), city.Reason(text)) {
			errs = append(errs, fmt.Errorf("--reason %.40q: want of %v", text, city.Reasons()))
		}
		f.Reasons = append(f.Reasons, city.Reason(text))
	}
	if o.device != "" {
		if f.DevEUI, err = city.ParseEUI(o.device); err != nil {
			errs = append(errs, fmt.Errorf("--device: %w", err))
		}
	}
	for _, age := range []struct {
		flag string
		ago  time.Duration
		into *time.Time
	}{{"--older", o.older, &f.To}, {"--newer", o.newer, &f.From}} {
		if age.ago < 0 {
			errs = append(errs, fmt.Errorf("%s %s: want a duration above 0, like 24h", age.flag, age.ago))
		} else if age.ago > 0 {
			*age.into = now.Add(-age.ago)
		}
	}
	return f, errors.Join(errs...)
}

// asideKeys reads IDs as aside list prints them.
func asideKeys(ids []string) ([]uint64, error) {
	var keys []uint64
	var errs []error
	for _, id := range ids {
		key, err := strconv.ParseUint(id, 16, 64)
		if err != nil || len(id) != 16 {
			errs = append(errs, fmt.Errorf("%.40q is no ID: want 16 hex digits as aside list shows them", id))
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(errs...)
}
