package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/events"
	semtech "meldefunk/firmware-sim/gateway"
	"meldefunk/firmware-sim/network"
)

// OnAir plays in the world's own time before a real network server: the gateways speak the
// Semtech UDP protocol to it, and devices live by what it answers. It has to know the
// devices (City.Registrations) and the gateways (Gateways). now is the world's clock. It
// returns nil when ctx ends; an error says that the encoder failed, or that server is no
// address.
func (p Play) OnAir(ctx context.Context, server string, now func() time.Time, log zerolog.Logger) error {
	run, err := p.begin(now())
	if err != nil {
		return err
	}
	field := &field{play: run, now: now, sendings: make(chan semtech.Sending, 64)}
	living, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(living)
	for i := range gateways {
		g := &gateways[i]
		f, err := semtech.Dial(running, semtech.Config{
			EUI: g.ID, Server: server, GPS: g.gps, Located: true, Position: g.Position, Altitude: int(g.Altitude),
			Now: now, Booted: now(), Emit: field.emit(running),
		}, log)
		if err != nil {
			stop() // those before it
			return errors.Join(err, group.Wait())
		}
		field.forwarders = append(field.forwarders, f)
		group.Go(func() error { return f.Run(running) })
	}
	run.carrier = field
	group.Go(func() error { return field.run(running) })
	group.Go(func() error { return field.report(running) })
	return errors.Join(group.Wait(), run.finish(now()))
}

// Gateways lists the gateways of the city, as a real network server has to know them.
func Gateways() []events.Gateway {
	all := make([]events.Gateway, len(gateways))
	for i := range gateways {
		all[i] = gateways[i].Gateway
	}
	return all
}

// carrier takes the place of the simulated network server.
type carrier interface{ carry(a *arrival) }

// field is the open air between devices and real gateways.
type field struct {
	play       *play
	now        func() time.Time
	forwarders []*semtech.Forwarder // in the order of gateways
	sendings   chan semtech.Sending
}

// emit hands what a gateway sends to the goroutine of run.
func (f *field) emit(ctx context.Context) func(semtech.Sending) {
	return func(s semtech.Sending) {
		select {
		case f.sendings <- s:
		case <-ctx.Done():
		}
	}
}

// run lets devices and frames take their turns in the world's time.
func (f *field) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		at, any := f.play.soonest()
		if any {
			timer.Reset(max(0, at.Sub(f.now())))
		}
		select {
		case <-ctx.Done():
			return nil
		case s := <-f.sendings:
			f.play.sendDown(&s)
		case <-timer.C:
			if _, err := f.play.step(); err != nil {
				return fmt.Errorf("play: %w", err)
			}
		}
	}
}

// reportEvery is how often packet forwarders tell their status.
const reportEvery = 30 * time.Second

func (f *field) report(ctx context.Context) error {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		for _, g := range f.forwarders {
			g.Report()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// carry forwards a frame from every gateway that heard it.
func (f *field) carry(a *arrival) {
	for i := range a.heard {
		h := &a.heard[i]
		for k := range gateways {
			if &gateways[k] != h.gateway {
				continue
			}
			// It refuses only frames that no radio can send.
			_ = f.forwarders[k].Forward(semtech.Heard{
				Frame: a.frame, At: a.end, Frequency: a.radio.Frequency, Rate: lorawan.DataRate{SpreadingFactor: a.radio.SpreadingFactor, Bandwidth: a.radio.Bandwidth},
				RSSI: h.RSSI, SNR: h.SNR, Channel: h.Channel, RFChain: h.RFChain, CRC: semtech.CRCOK,
			})
		}
	}
	f.play.settle(a, &network.Result{Kind: network.Accepted, Epoch: a.sensor.epoch, FCnt: a.fcnt})
}

// earliness is how far apart gateway and device may see the beginning of a window.
const earliness = 20 * time.Millisecond

// sendDown gives what a gateway sends to the devices that listen then and there. Who it is
// for shows only when they look into it.
func (p *play) sendDown(s *semtech.Sending) {
	for _, d := range p.sensors {
		for i, w := range d.windows {
			if w.Frequency != s.Frequency || s.Start.Sub(w.Opens).Abs() > earliness {
				continue
			}
			if rate, ok := band.DataRate(w.DataRate); !ok || rate != s.Rate {
				continue
			}
			d.down = &downlink{at: w.Opens, window: uint8(i + 1), frame: s.Frame, snr: bestSNR, epoch: d.epoch + 1}
			p.queue.again(d)
		}
	}
}
