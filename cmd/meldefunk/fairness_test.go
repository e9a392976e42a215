package main

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// calmDevices send beside the wild one. Even ones are native, odd ones have a codec.
const calmDevices = 1000

// TestWildDevice has one device send a thousand messages a second among a thousand others.
// It is throttled and told of, and nobody else's reading comes noticeably later, whether the
// wild one is native or waits in the lane of a JavaScript codec that others need as well.
func TestWildDevice(t *testing.T) {
	long(t, "half a minute")
	for name, model := range map[string]string{"native": "milesight/em310-udl", "codec": "acme/tank"} {
		t.Run(name, func(t *testing.T) {
			broker := brokertest.Start(t)
			var inventory strings.Builder
			inventory.WriteString("DevEUI;Modell;Anlage;Art;Bezeichnung;leer_mm;voll_mm\n")
			for d := range calmDevices {
				fmt.Fprintf(&inventory, "%s;%s;PK-%d;Papierkorb;calm;2000;200\n", backlogEUI(d), []string{"milesight/em310-udl", "acme/tank"}[d%2], d)
			}
			fmt.Fprintf(&inventory, "%s;%s;PK-wild;Papierkorb;wild;2000;200\n", backlogEUI(calmDevices), model)
			p := newPlatform(t, buildBinary(t, false), `codecs: {folder: DIR/codecs}
inventory: [DIR/devices.csv]
network_servers: [{name: city, dialect: chirpstack-v4, broker: "`+broker.URL()+`"}]
`, map[string]string{"devices.csv": inventory.String()})
			p.folder("codecs")
			p.write("codecs/tank.js", tank)
			p.write("codecs/tank.yaml", fmt.Sprintf(tankMapping, "tank"))
			p.start()
			delays := disturb(t, broker, p.database(), model == "acme/tank")
			for kind, all := range delays {
				slices.Sort(all)
				t.Logf("others, %s: %d frames, half within %s, 99 %% within %s, all within %s", kind, len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1])
				if slowest := all[len(all)-1]; slowest >= time.Second {
					t.Errorf("a reading of another device came %s late, want less than a second", slowest)
				}
			}
			p.eventually(20*time.Second, "the excess set aside", func() error {
				if got := rows(t, p.database(), `SELECT count(*) > 5000, count(DISTINCT dev_eui) FROM aside WHERE reason = 'throttled'`)[0]; got != "1|1" {
					return fmt.Errorf("set aside: %s", got)
				}
				return nil
			})
			if log := p.log.String(); !strings.Contains(log, "a device sends more than it may") || !strings.Contains(log, backlogEUI(calmDevices)) {
				t.Error("the log does not tell of the wild device")
			}
		})
	}
}

// disturb has the wild device and the others publish for some seconds, and gives how long
// each frame of the others took from its publishing until it could be read in the database.
func disturb(t *testing.T, broker *brokertest.Broker, db *sql.DB, wildCodec bool) map[string][]time.Duration {
	t.Helper()
	const (
		seconds = 8
		rounds  = 2 // frames of each of the others
	)
	wild, calm := broker.Client("wild"), broker.Client("calm")
	var publishing sync.WaitGroup
	publishing.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := range seconds * 100 {
			for i := range 10 {
				m := wildFrame(calmDevices, n*10+i, wildCodec)
				wild.Publish(m.topic, 1, false, m.body)
			}
			<-tick.C
		}
	})
	var mu sync.Mutex
	sent := map[string]time.Time{}
	publishing.Go(func() {
		tick := time.NewTicker(seconds * time.Second / (calmDevices * rounds))
		defer tick.Stop()
		for n := range calmDevices * rounds {
			device := n % calmDevices
			m := wildFrame(device, n/calmDevices, device%2 == 1)
			mu.Lock()
			sent[fmt.Sprintf("%s|%d", backlogEUI(device), n/calmDevices)] = time.Now()
			mu.Unlock()
			calm.Publish(m.topic, 1, false, m.body)
			<-tick.C
		}
	})
	delays := map[string][]time.Duration{}
	last, seen := int64(0), 0
	deadline := time.Now().Add((seconds + 30) * time.Second)
	for seen < calmDevices*rounds {
		last = eachFrame(t, db, last, func(eui string, fcnt int, codec bool) {
			mu.Lock()
			at, ok := sent[fmt.Sprintf("%s|%d", eui, fcnt)]
			mu.Unlock()
			kind := "native"
			if codec {
				kind = "codec"
			}
			if ok {
				delays[kind] = append(delays[kind], time.Since(at))
				seen++
			}
		})
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d frames of the others were stored", seen, calmDevices*rounds)
		}
		time.Sleep(5 * time.Millisecond)
	}
	publishing.Wait()
	return delays
}

// wildFrame is an uplink for a native model or for the codec of TestCodecsOnTheRoad.
func wildFrame(device, fcnt int, codec bool) published {
	data := `"data":"AXVcA4JEBgQAAA=="`
	if codec {
		data = `"data":"ALQ="`
	}
	eui := backlogEUI(device)
	m := v4Up(fcnt, `"data":"AXVcA4JEBgQAAA=="`, data, "a840410001840002", eui, "40f28d21-c120", fmt.Sprintf("40f28d21-%04x", device))
	m.topic = strings.Replace(m.topic, "a840410001840002", eui, 1)
	return m
}

// eachFrame tells of the frames stored after one of them, and gives the number of the last.
func eachFrame(t *testing.T, db *sql.DB, after int64, tell func(eui string, fcnt int, codec bool)) (last int64) {
	t.Helper()
	rows, err := db.Query(`SELECT id, dev_eui, fcnt, payload = x'00b4' FROM frames WHERE id > ? ORDER BY id`, after)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	last = after
	for rows.Next() {
		var eui string
		var fcnt int
		var codec bool
		if err := rows.Scan(&last, &eui, &fcnt, &codec); err != nil {
			t.Fatal(err)
		}
		tell(eui, fcnt, codec)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return last
}
