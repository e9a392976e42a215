package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
	"meldefunk/devices"
	"meldefunk/devices/change"
	"meldefunk/storage/sqlite"
)

var _ board.Registrar = (*boardRegister)(nil)

// boardRegister is the register as the board sees and changes it.
type boardRegister struct {
	*sqlite.Store
	files  *files
	keeper registrar
	zone   *time.Location
	now    func() time.Time

	mu      sync.Mutex
	kept    register.Snapshot
	read    bool
	heard   map[city.EUI]time.Time
	heardAt time.Time
}

// heardFor is how long it counts when devices were heard: it takes a look at each of them.
const heardFor = 10 * time.Second

// Register gives the register, which is read when it has changed only.
func (b *boardRegister) Register(ctx context.Context) (register.Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	revision, err := b.RegisterRevision(ctx)
	if err != nil {
		return register.Snapshot{}, err
	}
	if !b.read || b.kept.Revision != revision {
		if b.kept, err = b.Store.Register(ctx); err != nil {
			b.read = false
			return register.Snapshot{}, err
		}
		b.read = true
	}
	return b.kept, nil
}

// Heard tells when devices were heard last.
func (b *boardRegister) Heard(ctx context.Context) (map[city.EUI]time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); b.heard == nil || now.Sub(b.heardAt).Abs() >= heardFor {
		heard, err := b.LastHeard(ctx)
		if err != nil {
			return nil, err
		}
		b.heard, b.heardAt = heard, now
	}
	return b.heard, nil
}

// ChangeDevice does something with a device.
func (b *boardRegister) ChangeDevice(ctx context.Context, c board.DeviceChange) error {
	return b.change(ctx, func(s register.Snapshot, files *devices.Inventory, models *models) (register.Change, error) {
		d := change.New(s, devices.Ground(files, models), b.stamp(c.At, c.By, c.Reason))
		if device, ok := d.Device(c.DevEUI); ok && device.Revision != c.Base {
			return register.Change{}, overtaken()
		}
		err := b.do(d, &c)
		return d.Change(), err
	})
}

func (b *boardRegister) do(d *change.Draft, c *board.DeviceChange) error {
	switch c.Do {
	case board.Plan:
		return d.Plan(c.DevEUI, c.Asset)
	case board.Install:
		return d.Install(c.DevEUI, c.Asset, c.Since)
	case board.Move:
		return d.Move(c.DevEUI, c.Asset, c.Since)
	case board.Replace:
		return d.Replace(c.DevEUI, c.Other, c.State, c.Since)
	case board.SetState:
		return d.SetState(c.DevEUI, c.State, c.Since)
	case board.Retire:
		return d.Retire(c.DevEUI, c.Since)
	}
	return fmt.Errorf("nobody knows how to %q a device", c.Do)
}

// ChangeAsset puts right what is known of an asset of the register.
func (b *boardRegister) ChangeAsset(ctx context.Context, c board.AssetChange) error {
	return b.change(ctx, func(s register.Snapshot, files *devices.Inventory, models *models) (register.Change, error) {
		i, found := slices.BinarySearchFunc(s.Assets, c.Asset, func(a register.Asset, id string) int { return strings.Compare(a.ID, id) })
		if !found {
			return register.Change{}, &register.Refusal{Why: register.UnknownAsset, Asset: c.Asset, Text: fmt.Sprintf("asset %.40q is not in the register", c.Asset)}
		}
		if s.Assets[i].Revision != c.Base {
			return register.Change{}, overtaken()
		}
		fields := []field{{"asset", c.Asset}}
		for column, value := range c.Fields {
			fields = append(fields, field{column, value})
		}
		sheet, err := oneRow(fields)
		if err != nil {
			return register.Change{}, contradicts(err)
		}
		plan, problems := devices.Import{Register: s, Files: files, Models: models, Stamp: b.stamp(c.At, c.By, c.Reason)}.Plan(sheet)
		for _, p := range devices.Errors(problems) {
			return register.Change{}, &register.Refusal{Why: register.WrongField, Asset: c.Asset, Field: p.Column, Text: p.Text}
		}
		return plan.Change, nil
	})
}

// change makes a change of what is there now, and has it kept, as alter does.
func (b *boardRegister) change(ctx context.Context, plan func(register.Snapshot, *devices.Inventory, *models) (register.Change, error)) error {
	for range mostTries {
		settings, models := b.files.ground()
		filed, err := devices.Load(settings.Inventory, register.Snapshot{}, models)
		if err != nil {
			return contradicts(err)
		}
		s, err := b.Register(ctx)
		if err != nil {
			return err
		}
		c, err := plan(s, filed, models)
		if err != nil || c.Empty() && len(c.Entries) == 0 {
			return err
		}
		if err = b.keeper.ChangeRegister(ctx, c); errors.As(err, new(contradiction)) {
			return contradicts(err)
		}
		if !errors.Is(err, register.ErrChanged) {
			return err
		}
	}
	return overtaken()
}

func (b *boardRegister) stamp(at time.Time, by, reason string) change.Stamp {
	return change.Stamp{At: at.In(b.zone), By: by, Reason: reason, From: "board"}
}

func overtaken() error {
	return &register.Refusal{Why: register.Overtaken, Text: "somebody else has changed it meanwhile"}
}

func contradicts(err error) error {
	return &register.Refusal{Why: register.Contradiction, Text: err.Error()}
}
