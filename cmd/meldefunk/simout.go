package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/city"
	sim "meldefunk/firmware-sim"
)

// toFile plays without waiting and writes what is published, a line each, in the form of
// recorded traffic: t, topic, retained, and payload (JSON) or payload_b64 (anything else).
func (o *simOptions) toFile(ctx context.Context, p sim.Play, out, progressTo io.Writer) (err error) {
	to := out
	if o.out != "-" {
		file, openErr := os.Create(o.out)
		if openErr != nil {
			return fmt.Errorf("write messages: %w", openErr)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		to = file
	}
	w := bufio.NewWriterSize(to, 1<<20)
	from, end, err := o.period()
	if err != nil {
		return err
	}
	bar := newBar(progressTo)
	written := 0
	err = p.Events(from, end, func(m sim.Message) error {
		if written++; written%1000 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			done := m.At.Sub(from).Seconds() / end.Sub(from).Seconds()
			if o.count > 0 {
				done = float64(written) / float64(o.count)
			}
			bar.show(done, fmt.Sprintf("%d messages, %s", written, m.At.Format("2006-01-02 15:04")))
		}
		if err := writeMessage(w, &m); err != nil {
			return fmt.Errorf("write messages: %w", err)
		}
		if written == o.count {
			return sim.ErrEnough
		}
		return nil
	})
	bar.end()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("stopped after %d messages, before the end", written)
	}
	if flushErr := w.Flush(); flushErr != nil {
		err = errors.Join(err, fmt.Errorf("write messages: %w", flushErr))
	}
	if err == nil && o.out != "-" {
		err = o.summary(out, map[string]any{"messages": written}, fmt.Sprintf("%d messages written to %s", written, o.out))
	}
	return err
}

// writeMessage writes one line.
func writeMessage(w *bufio.Writer, m *sim.Message) error {
	line := append(w.AvailableBuffer(), `{"t":"`...)
	line = m.At.UTC().AppendFormat(line, time.RFC3339Nano)
	line = append(line, `","topic":`...)
	line = strconv.AppendQuote(line, m.Topic)
	if m.Retained {
		line = append(line, `,"retained":true`...)
	}
	if json.Valid(m.Body) {
		line = append(append(line, `,"payload":`...), m.Body...)
	} else {
		line = append(line, `,"payload_b64":"`...)
		line = append(base64.StdEncoding.AppendEncode(line, m.Body), '"')
	}
	_, err := w.Write(append(line, '}', '\n'))
	return err
}

// summary says at the end what was done.
func (o *simOptions) summary(out io.Writer, figures map[string]any, text string) error {
	if o.json {
		return json.NewEncoder(out).Encode(figures)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

// brokerGone is how long a broker may take no message. It is also how long Ctrl-C may take.
const brokerGone = 5 * time.Second

// connect joins the broker.
func (o *simOptions) connect() (mqtt.Client, error) {
	options := mqtt.NewClientOptions().AddBroker(o.mqtt).SetClientID(fmt.Sprintf("meldefunk-sim-%d", os.Getpid())).
		SetConnectTimeout(10 * time.Second).SetOrderMatters(false).SetMaxResumePubInFlight(0).
		SetWriteTimeout(brokerGone)
	client := mqtt.NewClient(options)
	if t := client.Connect(); t.Wait() && t.Error() != nil {
		return nil, fmt.Errorf("connect to %s: %w", withoutPassword(o.mqtt), t.Error())
	}
	return client, nil
}

// withoutPassword is how an address may be shown.
func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "the broker"
}

// toBroker publishes in the world's time, or faster.
func (o *simOptions) toBroker(ctx context.Context, p sim.Play, out, progressTo io.Writer) error {
	client, err := o.connect()
	if err != nil {
		return err
	}
	defer client.Disconnect(250)
	from, err := o.begins()
	if err != nil {
		return err
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	bar := newBar(progressTo)
	n := 0
	clock := &playClock{from: from, factor: o.speed, over: enough}
	if o.span > 0 {
		clock.end = from.Add(o.span)
	}
	err = p.Run(ctx, func(ctx context.Context, m sim.Message) error {
		t := client.Publish(m.Topic, 1, m.Retained, m.Body)
		select {
		case <-t.Done():
			if t.Error() != nil {
				return t.Error()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		n++
		done := -1.0
		switch {
		case o.count > 0:
			done = float64(n) / float64(o.count)
		case o.span > 0:
			done = m.At.Sub(from).Seconds() / o.span.Seconds()
		}
		bar.show(done, fmt.Sprintf("%d messages, %s", n, m.At.Format("2006-01-02 15:04")))
		if n == o.count {
			enough()
		}
		return nil
	}, clock)
	bar.end()
	if err != nil {
		return err
	}
	return o.summary(out, map[string]any{"messages": n}, fmt.Sprintf("%d messages published", n))
}

// writeFiles writes the inventory and the registrations, where they are asked for.
func (o *simOptions) writeFiles(town *sim.City) error {
	if o.inventory != "" {
		if err := writeCSV(o.inventory, 0o644, inventoryRows(town)); err != nil {
			return fmt.Errorf("write the inventory: %w", err)
		}
	}
	if o.registrations != "" { // keys: for the owner's eyes
		if err := writeCSV(o.registrations, 0o600, registrationRows(town)); err != nil {
			return fmt.Errorf("write the registrations: %w", err)
		}
	}
	return nil
}

func writeCSV(path string, mode os.FileMode, rows [][]string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if mode.Perm()&0o077 == 0 { // a file that was there keeps its mode, and must not
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	w := csv.NewWriter(f)
	w.Comma = ';'
	return w.WriteAll(rows)
}

func inventoryRows(town *sim.City) [][]string {
	rows := [][]string{{"dev_eui", "model", "asset", "kind", "name", "address", "district", "tour", "lat", "lon", "empty_mm", "full_mm", "offset_mm", "field_capacity", "wilting_point"}}
	assets := map[string]city.Asset{}
	for _, a := range town.Assets() {
		assets[a.ID] = a
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	for _, d := range town.Devices() {
		a := assets[d.Asset]
		row := []string{d.DevEUI.String(), d.Model, a.ID, a.Kind.String(), a.Name, a.Address, a.District, a.Tour, number(a.Position.Lat), number(a.Position.Lon), "", "", "", "", ""}
		if a.Bin != nil {
			copy(row[10:], []string{number(a.Bin.Empty), number(a.Bin.Full), number(a.Bin.Offset)})
		}
		if a.Soil != nil {
			copy(row[13:], []string{number(a.Soil.FieldCapacity), number(a.Soil.WiltingPoint)})
		}
		rows = append(rows, row)
	}
	return rows
}

func registrationRows(town *sim.City) [][]string {
	rows := [][]string{{"dev_eui", "join_eui", "asset", "model", "lorawan", "activation", "app_key", "nwk_key", "dev_addr", "app_s_key", "f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key"}}
	for _, r := range town.Registrations() {
		row := []string{r.DevEUI.String(), r.JoinEUI.String(), r.Asset, r.Model, r.Version.String(), "otaa", r.AppKey.Hex(), "", "", "", "", "", ""}
		if !r.NwkKey.IsZero() {
			row[7] = r.NwkKey.Hex()
		}
		if s := r.Personalised; s != nil {
			row[5], row[6] = "abp", ""
			copy(row[8:], []string{s.DevAddr.String(), s.AppSKey.Hex(), s.FNwkSIntKey.Hex(), s.SNwkSIntKey.Hex(), s.NwkSEncKey.Hex()})
		}
		rows = append(rows, row)
	}
	return rows
}
