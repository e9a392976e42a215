package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const hookToken = "a-token-that-only-tests-know"

// hookConfig has webhooks in place of brokers, on an address that stays the same when the
// platform starts again.
func hookConfig(t *testing.T, servers map[string]string) (config, url string) {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	config = fmt.Sprintf("road: {max_backlog: 876000h}\nwebhooks: {listen: %q}\nnetwork_servers:\n", address)
	for name, dialect := range servers {
		config += fmt.Sprintf("  - {name: %s, dialect: %s, webhook: {token_file: DIR/token}}\n", name, dialect)
	}
	return config, "http://" + address
}

// postTo posts one message as its network server would: ChirpStack names the event in the
// query, The Things Stack has a path for each, or, with plain, one for all.
func postTo(url, server string, m published, plain, zipped bool) (int, string, error) {
	to := url + "/" + server
	_, event, _ := cutLast(m.topic, "/")
	if parts := strings.SplitN(m.topic, "/", 5); parts[0] != "v3" {
		to += "?event=" + event
	} else if !plain {
		to += "/" + parts[4]
	}
	body := m.body
	if zipped {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(m.body) // a Buffer takes everything
		_ = w.Close()
		body = b.Bytes()
	}
	r, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+hookToken)
	if zipped {
		r.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// TestWebhookRecordings posts what the network servers once published, every event of a
// device, and wants the same readings as TestRecordings; a second time, and nothing new.
// What is set aside can be replayed.
func TestWebhookRecordings(t *testing.T) {
	servers := map[string]string{}
	for _, r := range recordings {
		servers[r.server] = r.dialect
	}
	config, url := hookConfig(t, servers)
	files := recordedFiles()
	files["token"] = hookToken
	p := newPlatform(t, buildBinary(t, true), config+"inventory: [DIR/devices.csv]\nrules: DIR/rules.yaml\n", files)
	p.start()

	posted := 0
	postAll := func() {
		for _, r := range recordings {
			for i, m := range r.messages(t) {
				if !strings.Contains(m.topic, "/event/") && !strings.HasPrefix(m.topic, "v3/") || strings.HasPrefix(m.topic, "gateway/") {
					continue // ChirpStack posts events of devices only
				}
				if code, text, err := postTo(url, r.server, m, i%2 == 0, i%3 == 0); code != http.StatusOK {
					t.Errorf("%s: %d %s %v", m.topic, code, text, err)
				}
				posted++
			}
		}
	}
	postAll()
	want := map[string]float64{
		"meldefunk_road_acknowledged_total":                           float64(posted),
		`meldefunk_road_frames_total{fate="read"}`:                    111,
		`meldefunk_road_frames_total{fate="empty"}`:                   6,
		`meldefunk_road_frames_total{fate="aside"}`:                   6,
		`meldefunk_road_repeats_total`:                                2,
		`meldefunk_road_set_aside_total{reason="unknown_device"}`:     32,
		`meldefunk_road_set_aside_total{reason="malformed"}`:          0,
		`meldefunk_road_cases_opened_total`:                           13,
		`meldefunk_bridge_messages_total{event="up",server="things"}`: 59,
		`meldefunk_webhook_in_flight`:                                 0,
	}
	p.wantMetrics(30*time.Second, want)
	postAll()
	want["meldefunk_road_acknowledged_total"] = float64(posted)
	for _, series := range []string{`meldefunk_road_repeats_total`, `meldefunk_road_set_aside_total{reason="unknown_device"}`, `meldefunk_bridge_messages_total{event="up",server="things"}`} {
		delete(want, series)
	}
	p.wantMetrics(30*time.Second, want)
	if code, text, err := postTo(url, "things", published{"v3/a/devices/b/up", []byte("{")}, false, false); code != http.StatusAccepted {
		t.Errorf("malformed: %d %s %v", code, text, err)
	}
	p.stop()
	sqliteHas(t, p, expectedReadings(t))

	aside := rows(t, p.database(), `SELECT DISTINCT topic FROM aside WHERE server IN ('things', 'chirpstack-v4') ORDER BY 1`)
	if !slices.Equal(aside, []string{"webhook/chirpstack-v4/up", "webhook/things/", "webhook/things/up"}) {
		t.Errorf("topics of what was set aside: %q", aside)
	}
	before := rows(t, p.database(), `SELECT count(*) FROM frames`)
	unknown := "\n" + recordings[2].prefix + "09;dragino/lse01;neu;Baum;Neu;;\n" + recordings[1].prefix + "04;dragino/lse01;neu-2;Baum;Neu;;\n"
	p.write("devices.csv", recordedInventory()+unknown)
	if out, err := exec.Command(p.binary, "replay", "-c", p.config).CombinedOutput(); err != nil {
		t.Fatalf("replay: %v\n%s", err, out)
	}
	after := rows(t, p.database(), `SELECT count(*) FROM frames`)
	if before[0] == after[0] {
		t.Errorf("%s frames after the replay, as before", after[0])
	}
}

// TestWebhookCrashes kills the platform again and again while eight posters deliver; each
// repeats a post until it has its 2xx, and never after. What is kept must be what an
// undisturbed run over MQTT keeps.
func TestWebhookCrashes(t *testing.T) {
	long(t, "half a minute")
	const posters, kills, most = 8, 4, 2000
	messages, town := traffic(t)
	messages = messages[:min(len(messages), most)]
	binary := buildBinary(t, false)
	files := map[string]string{"devices.csv": inventoryFile(town), "token": hookToken}

	config, url := hookConfig(t, map[string]string{"city": "chirpstack-v4"})
	p := newPlatform(t, binary, config+"inventory: [DIR/devices.csv]\n", files)
	p.start()

	var next, done, refused atomic.Int64
	crash := make(chan struct{}, kills)
	giveUp := time.Now().Add(2 * time.Minute)
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(messages) {
					return
				}
				for {
					code, _, _ := postTo(url, "city", messages[i], false, false)
					if code == http.StatusOK {
						break
					}
					refused.Add(1)
					if time.Now().After(giveUp) {
						t.Errorf("post %d is not taken: %d", i, code)
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				if n := done.Add(1); n%int64(len(messages)/(kills+1)) == 0 {
					select {
					case crash <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	for range kills {
		select {
		case <-crash:
		case <-time.After(time.Minute):
			t.Fatal("the posts do not get on")
		}
		p.kill()
		p.launch()
	}
	wg.Wait()
	p.stop()
	t.Logf("%d posts, %d kills, %d answers other than 200", len(messages), kills, refused.Load())
	if refused.Load() < kills {
		t.Error("the kills disturbed nobody: the test says nothing")
	}
	sameAsUndisturbed(t, p, files, messages)
}
