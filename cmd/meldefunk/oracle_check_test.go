package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	"meldefunk/firmware-sim/network"
)

// keptFrame is a frame as SQLite has it, and its reading, if there is one.
type keptFrame struct {
	epoch          int64
	port           int64
	payload        []byte
	fate           string
	at, received   time.Time
	source         string
	readings       int
	measured       string
	asset          string
	readAt         time.Time
	readSource     string
	flags, reading int64
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// least is how many frames are stored at least: a repetition that the network server takes
// for another frame need not be.
func (o *oracle) least() (n int) {
	for _, f := range o.town.frames {
		if o.town.known[f.DevEUI] && !f.again {
			n++
		}
	}
	return n
}

// check holds everything that was stored against the truth.
func (o *oracle) check() {
	o.t.Helper()
	kept := o.frames()
	o.checkFrames(kept)
	o.checkReadings(kept)
	o.checkAside()
	o.checkJoins()
	o.checkBursts(kept)
	o.checkInflux()
}

// frames reads what SQLite has, by the identity of the delivery.
func (o *oracle) frames() map[uint64][]*keptFrame {
	o.t.Helper()
	res, err := o.database.Query(`SELECT f.ident, f.epoch, f.fport, f.payload, f.fate, f.time, f.received, f.time_source,
			count(r.id), coalesce(r.measured, '{}'), coalesce(r.asset, ''), coalesce(r.time, 0), coalesce(r.time_source, ''), coalesce(r.flags, 0), coalesce(r.id, 0)
		FROM frames f LEFT JOIN readings r ON r.dev_eui = f.dev_eui AND r.epoch = f.epoch AND r.fcnt = f.fcnt GROUP BY f.id`)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Close()
	all := map[uint64][]*keptFrame{}
	for res.Next() {
		var k keptFrame
		var ident, at, received, readAt int64
		if err := res.Scan(&ident, &k.epoch, &k.port, &k.payload, &k.fate, &at, &received, &k.source,
			&k.readings, &k.measured, &k.asset, &readAt, &k.readSource, &k.flags, &k.reading); err != nil {
			o.t.Fatal(err)
		}
		k.at, k.received, k.readAt = time.Unix(0, at).UTC(), time.Unix(0, received).UTC(), time.Unix(0, readAt).UTC()
		all[uint64(ident)] = append(all[uint64(ident)], &k)
	}
	if err := res.Err(); err != nil {
		o.t.Fatal(err)
	}
	return all
}

// checkFrames: each frame of a known device is there once, and no other.
func (o *oracle) checkFrames(kept map[uint64][]*keptFrame) {
	o.t.Helper()
	stored, measurements, copies := 0, 0, 0
	sources := map[string]int{}
	expected := map[uint64]bool{}
	for _, f := range o.town.frames {
		if !o.town.known[f.DevEUI] {
			continue
		}
		copies += f.copies
		expected[f.Ident] = true
		found := kept[f.Ident]
		if len(found) == 0 && f.again {
			continue // taken for what it is
		}
		if len(found) != 1 {
			o.t.Errorf("%s frame %d of %s is stored %d times (truth: %v)", f.DevEUI, f.FCnt, f.at, len(found), f.truth)
			continue
		}
		k := found[0]
		stored++
		if f.truth != nil && !f.again {
			measurements++
		}
		if k.port != int64(f.FPort) || string(k.payload) != string(f.Payload) {
			o.t.Errorf("%s frame %d: port %d, %x, want port %d, %x", f.DevEUI, f.FCnt, k.port, k.payload, f.FPort, f.Payload)
		}
		if problem := f.judgeTime(k, o.town.periodic[f.DevEUI]); problem != "" {
			o.t.Errorf("%s frame %d is of %s (%s), received %s: %s (truth: %v)", f.DevEUI, f.FCnt, k.at, k.source, k.received, problem, f.truth)
		}
		late := "on time, "
		if f.truth != nil && !f.truth.Until.IsZero() {
			late = "late, "
		}
		sources[late+k.source]++
	}
	for ident, all := range kept {
		if !expected[ident] {
			o.t.Errorf("frame %x of %s was never sent", ident, all[0].at)
		}
	}
	if measurements < oracleUplinks {
		o.t.Errorf("%d measurements were accepted, want %d", measurements, oracleUplinks)
	}
	o.t.Logf("%d uplinks of known devices sent = %d stored + %d repeats; %d of them measurements; times: %v", copies, stored, copies-stored, measurements, sources)
}

// Limits of event times.
const (
	apart    = 64 * time.Nanosecond // by which a time may be moved on
	rounding = time.Millisecond     // of times in messages
	serverIn = 100 * time.Millisecond

	// By which an estimated time may be off: a third of the period.
	estimateIn = 10 * time.Minute
)

// judgeTime tells what is wrong with the event time of a stored frame, "" if nothing is.
func (f *toldFrame) judgeTime(k *keptFrame, periodic bool) string {
	within := func(from, to time.Time) bool { return !k.at.Before(from) && !k.at.After(to.Add(apart)) }
	end := f.at.Add(-network.CollectFor) // of the frame on air
	if f.truth != nil && !f.again {
		end = f.truth.Aired
	}
	shifts := []time.Duration{0}
	if f.truth != nil && slices.Contains(f.truth.Faults, sim.FaultGPS) {
		shifts = append(shifts, 40*time.Second)
	}
	late := f.truth != nil && !f.truth.Until.IsZero() || f.again
	switch k.source {
	case "received":
		if f.Time.At.After(oracleBegin.Add(-24 * time.Hour)) {
			return "received, though the network server told a time that can be"
		}
		if !within(k.received, k.received) {
			return "not when it was received"
		}
	case "gateway", "gps":
		for _, shift := range shifts {
			if within(end.Add(shift-rounding), end.Add(shift)) || f.again && within(f.truth.At.Add(shift), f.at.Add(shift)) {
				return ""
			}
		}
		return fmt.Sprintf("not when the frame was on air: it ended at %s", end)
	case "server":
		if late {
			if !within(f.at, f.at.Add(serverIn)) {
				return "not when it came to the network server"
			}
			return ""
		}
		if !within(end, end.Add(serverIn)) {
			return fmt.Sprintf("not when the network server heard of it, shortly after %s", end)
		}
	case "estimated":
		if !periodic {
			return "estimated, though the device sends when something happens"
		}
		if f.truth == nil || !within(f.truth.At.Add(-estimateIn), f.truth.At.Add(estimateIn)) {
			return fmt.Sprintf("estimated, and off by more than %s: %v", estimateIn, f.truth)
		}
	default:
		return "from no source that this network server has"
	}
	return ""
}

// checkReadings: a frame's reading says what its payload says, at the frame's time.
func (o *oracle) checkReadings(kept map[uint64][]*keptFrame) {
	o.t.Helper()
	table := decoders.New()
	inventory, err := devices.Load([]string{o.platform.path("devices.csv")}, register.Snapshot{}, table)
	if err != nil {
		o.t.Fatal(err)
	}
	read, aside, empty := 0, 0, 0
	for _, f := range o.town.frames {
		if len(kept[f.Ident]) != 1 {
			continue // told of already
		}
		k := kept[f.Ident][0]
		device, hangs, _ := inventory.Find("city", f.DevEUI)
		asset := hangs.At(k.at)
		var r city.Reading
		want, err := "read", error(nil)
		switch {
		case f.FPort == 0 || len(f.Payload) == 0:
			want = "empty"
		default:
			if err = table.Decode(device, asset, &f.Uplink, &r); err != nil {
				want = "aside"
			} else if len(r.Values)+len(r.Faults) == 0 {
				want = "empty"
			}
		}
		switch want {
		case "read":
			read++
		case "aside":
			aside++
		case "empty":
			empty++
		}
		broken := f.truth != nil && slices.ContainsFunc(f.truth.Faults, func(k sim.FaultKind) bool {
			return k == sim.FaultRandom || k == sim.FaultTruncated || k == sim.FaultPort || k == sim.FaultHuge
		})
		if k.fate != want || (k.readings == 1) != (want == "read") || want != "read" && f.truth != nil && !broken {
			o.t.Errorf("%s frame %d is %s with %d readings, want it %s: %v (truth: %v)", f.DevEUI, f.FCnt, k.fate, k.readings, want, err, f.truth)
			continue
		}
		if want != "read" {
			continue
		}
		if !k.readAt.Equal(k.at) || k.readSource != k.source || k.asset != asset.ID {
			o.t.Errorf("%s frame %d: its reading is of %s at %s (%s), want %s at %s (%s)", f.DevEUI, f.FCnt, k.asset, k.readAt, k.readSource, asset.ID, k.at, k.source)
		}
		measured := map[string]float64{}
		if err := json.Unmarshal([]byte(k.measured), &measured); err != nil {
			o.t.Fatal(err)
		}
		if f.truth == nil || broken {
			continue
		}
		for _, v := range f.truth.Sent {
			if got, has := measured[v.Quantity.String()]; !has || got < v.Number-1e-6 || got > v.Number+1e-6 {
				o.t.Errorf("%s frame %d: %s is %v, want %v", f.DevEUI, f.FCnt, v.Quantity, got, v.Number)
			}
		}
	}
	o.t.Logf("%d readings, %d frames set aside, %d without a measurement", read, aside, empty)
	if n := rows(o.t, o.database, `SELECT count(*) FROM readings`)[0]; n != fmt.Sprint(read) {
		o.t.Errorf("%s readings stored, want %d", n, read)
	}
	if read < oracleUplinks*9/10 || aside < 100 || empty < 10 {
		o.t.Errorf("too few to mean anything")
	}
	o.checkLate()
}

// checkLate: a reading is late when one of its asset that is not older came before it. Of
// assets with estimated times nothing can be told, nor of devices whose frames were told of
// again: times may have changed since they were judged.
func (o *oracle) checkLate() {
	o.t.Helper()
	again := map[string]bool{}
	for _, f := range o.town.frames {
		again[f.DevEUI.String()] = again[f.DevEUI.String()] || f.again
	}
	newest, late := map[string]int64{}, 0
	res, err := o.database.Query(`SELECT dev_eui, asset, time, flags & 1 FROM readings
		WHERE asset NOT IN (SELECT asset FROM readings WHERE time_source = 'estimated') ORDER BY id`)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Close()
	for res.Next() {
		var device, asset string
		var at int64
		var flag bool
		if err := res.Scan(&device, &asset, &at, &flag); err != nil {
			o.t.Fatal(err)
		}
		if again[device] {
			continue
		}
		if want := at <= newest[asset]; flag != want {
			o.t.Errorf("%s: the reading of %s is late: %v, want %v", asset, time.Unix(0, at).UTC(), flag, want)
		}
		newest[asset] = max(newest[asset], at)
		if flag {
			late++
		}
	}
	if err := res.Err(); err != nil || late < 100 {
		o.t.Errorf("%d late readings: too few to mean anything; %v", late, err)
	}
	o.t.Logf("%d late readings", late)
}

// checkBursts: frames that were kept back and came at once without a time of their own have
// their times estimated where the device sends in a period that is known.
func (o *oracle) checkBursts(kept map[uint64][]*keptFrame) {
	o.t.Helper()
	type session struct {
		device city.EUI
		epoch  uint32
	}
	frames := map[session][]*toldFrame{}
	for _, f := range o.town.frames {
		if f.truth != nil && !f.again && o.town.periodic[f.DevEUI] && len(kept[f.Ident]) == 1 {
			s := session{f.DevEUI, f.truth.Epoch}
			frames[s] = append(frames[s], f)
		}
	}
	due, estimated := 0, 0
	var worst time.Duration
	for _, all := range frames {
		slices.SortFunc(all, func(a, b *toldFrame) int { return cmp.Compare(a.FCnt, b.FCnt) })
		for i, f := range all {
			k := kept[f.Ident][0]
			if k.source == "estimated" {
				worst = max(worst, k.at.Sub(f.truth.Aired).Abs())
			}
			beside := func(j int) bool { // in the same burst
				return j >= 0 && j < len(all) && all[j].truth.Until.Equal(f.truth.Until) && all[j].Time.Source == city.TimeServer
			}
			if i < 9 || f.truth.Until.IsZero() || f.Time.Source != city.TimeServer || !beside(i-1) && !beside(i+1) {
				continue
			}
			if due++; k.source == "estimated" {
				estimated++
			}
		}
	}
	o.t.Logf("%d frames of bursts without a time, %d estimated, worst by %s", due, estimated, worst)
	if due < 30 {
		o.t.Errorf("%d frames of bursts: too few to mean anything", due)
	}
	if 5*estimated < 4*due {
		o.t.Errorf("%d of %d frames of bursts have an estimated time: want four fifths at least", estimated, due)
	}
}

// checkAside: set aside is what cannot be a reading, word for word, and nothing else.
func (o *oracle) checkAside() {
	o.t.Helper()
	sent := map[string]bool{}
	for _, m := range o.town.messages {
		sent[m.topic+"\n"+string(m.body)] = true
	}
	unknown := 0
	for _, f := range o.town.frames {
		if !o.town.known[f.DevEUI] {
			unknown++
		}
	}
	reasons := map[string]int{}
	for _, line := range rows(o.t, o.database, `SELECT reason, topic, body FROM aside`) {
		reason, message, _ := strings.Cut(line, "|")
		topic, body, _ := strings.Cut(message, "|")
		reasons[reason]++
		if !sent[topic+"\n"+body] {
			o.t.Errorf("set aside as %s, and never sent: %s", reason, line)
		}
	}
	frames := atoi(rows(o.t, o.database, `SELECT count(*) FROM frames WHERE fate = 'aside'`)[0])
	total := 0
	for _, n := range reasons {
		total += n
	}
	if reasons["unknown_device"] != unknown || unknown < 10 || total != frames+unknown {
		o.t.Errorf("%d messages set aside, %v; want %d of an unknown device and %d others", total, reasons, unknown, frames)
	}
	o.t.Logf("set aside: %v", reasons)
}

// checkJoins: every join is known once.
func (o *oracle) checkJoins() {
	o.t.Helper()
	want := 0
	for _, known := range o.town.joins {
		if known {
			want++
		}
	}
	got := rows(o.t, o.database, `SELECT count(*), count(DISTINCT join_ident) FROM sessions WHERE join_ident <> 0`)[0]
	if got != fmt.Sprintf("%d|%d", want, want) {
		o.t.Errorf("joins stored and different ones: %s, want %d", got, want)
		o.t.Log(strings.Join(rows(o.t, o.database, `SELECT * FROM sessions WHERE dev_eui IN (SELECT dev_eui FROM sessions WHERE join_ident <> 0 GROUP BY dev_eui, join_ident HAVING count(*) > 1 LIMIT 4)`), "\n"))
	}
	o.t.Logf("%d joins; sessions by cause: %v", want, rows(o.t, o.database, `SELECT cause, count(*) FROM sessions GROUP BY 1`))
}

// checkInflux: InfluxDB has every reading once, with all it says, and nothing else.
func (o *oracle) checkInflux() {
	o.t.Helper()
	var got, want []string
	for _, kind := range []string{"bin", "soil", "parking"} {
		for _, row := range o.influx.Readings(o.t, kind) {
			for _, beside := range []string{"rssi", "snr", "sf", "gateways", "conflict"} {
				delete(row.Fields, beside)
			}
			for name, v := range row.Fields {
				if yes, is := v.(bool); is && name != "late" {
					row.Fields[name] = 0.0
					if yes {
						row.Fields[name] = 1.0
					}
				}
			}
			got = append(got, fmt.Sprintf("%s %s %d %v", row.Tags["dev_eui"], row.Tags["asset"], row.Time.UnixNano(), row.Fields))
		}
	}
	for _, line := range rows(o.t, o.database, `SELECT dev_eui, asset, time, fcnt, time_source, flags & 1, faults, measured FROM readings`) {
		c := strings.SplitN(line, "|", 8)
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(c[7]), &fields); err != nil {
			o.t.Fatal(err)
		}
		fields["fcnt"], fields["time_source"], fields["late"] = float64(atoi(c[3])), c[4], c[5] == "1"
		if c[6] != "" {
			fields["faults"] = c[6]
		}
		want = append(want, fmt.Sprintf("%s %s %s %v", c[0], c[1], c[2], fields))
	}
	slices.Sort(got)
	slices.Sort(want)
	same(o.t, "InfluxDB", got, want)
}
