package mac

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

// cfList makes a list of channels as bytes, by RP section 2.2.4.
func cfList(hz ...uint32) []byte {
	b := make([]byte, 16)
	for i, f := range hz {
		f /= 100
		b[3*i], b[3*i+1], b[3*i+2] = byte(f), byte(f>>8), byte(f>>16)
	}
	return b
}

func TestJoin(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(t, v, false, Profile{ADR: true, DataRate: 5})
			tx := p.next()
			if wait := p.now.Sub(start); wait > bootSpread {
				t.Errorf("the first request comes %v after power-up", wait)
			}
			if tx.MType != lorawan.JoinRequestType || len(tx.PHYPayload) != 23 || tx.Channel > 2 || tx.DataRate != 5 || tx.Power != 16 {
				t.Errorf("%+v: want a join-request of 23 bytes at DR5 and 16 dBm on the channels 0 to 2", tx)
			}
			end := tx.Start.Add(tx.Airtime)
			if want := (Window{end.Add(5 * time.Second), tx.Frequency, 5}); tx.RX1 != want {
				t.Errorf("RX1 %+v, want %+v", tx.RX1, want)
			}
			if want := (Window{end.Add(6 * time.Second), 869525000, 0}); tx.RX2 != want {
				t.Errorf("RX2 %+v, want %+v", tx.RX2, want)
			}
			accept := p.n.accept(t, tx.PHYPayload, 2, 3, 5, cfList(867100000, 867300000, 0, 867700000, 433000000))
			if out, err := p.hear(tx, 2, accept); err != nil || !out.Joined {
				t.Fatalf("%+v, %v", out, err)
			}
			s, ok := p.d.Session()
			want := lorawan.Session{Version: v, DevAddr: p.n.addr, FNwkSIntKey: p.n.fnwk, SNwkSIntKey: p.n.snwk, NwkSEncKey: p.n.enc, AppSKey: p.n.app}
			if !ok || s != want {
				t.Errorf("the session is not the one of the network (joined: %v)", ok)
			}
			m := &p.d.mem.P
			if m.RX1DROffset != 2 || m.RX2DataRate != 3 || m.RXDelay != 5 || m.Mask != 0b1011111 || m.Up[3] != 867100000 || m.Up[6] != 867700000 {
				t.Errorf("settings %+v", m)
			}
			up, plain := p.say("Guten Tag")
			if string(plain.payload) != "Guten Tag" || plain.port != 2 || up.FCnt != 0 || !plain.adr {
				t.Errorf("uplink %+v %+v", up, plain)
			}
			if got := up.RX1.Opens.Sub(up.Start.Add(up.Airtime)); got != 5*time.Second || up.RX1.DataRate != 3 {
				t.Errorf("RX1 after %v at DR%d, want 5 s and DR3", got, up.RX1.DataRate)
			}
			if _, err := p.hear(up, 1, accept); !errors.Is(err, ErrForeign) {
				t.Errorf("the join-accept again: %v, want ErrForeign", err)
			}
		})
	}
}

// TestJoinChannels: requests go out on the channels of the band and are answered there,
// whatever was set before.
func TestJoinChannels(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5})
	for i := range p.d.mem.P.Down {
		p.d.mem.P.Down[i] = 869525000
	}
	p.d.mem.P.setChannel(3, 867100000, 0, 5)
	p.d.mem.P.Mask = 0b1000
	p.d.Join(p.now)
	for range 20 {
		if tx := p.next(); tx.Channel > 2 || tx.RX1.Frequency != tx.Frequency {
			t.Errorf("%+v", tx)
		}
	}
}

// TestFirstJoinNonce may be 0.
func TestFirstJoinNonce(t *testing.T) {
	p := newPair(t, lorawan.V1_1, false, Profile{})
	p.n.joinNonce--
	p.join()
}

func TestJoinIn10Network(t *testing.T) {
	p := newPair(t, lorawan.V1_1, false, Profile{})
	tx := p.next()
	p.n.v, p.n.appKey = lorawan.V1_0_4, p.n.nwkKey // without OptNeg the NwkKey is the only root
	if _, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)); err != nil {
		t.Fatal(err)
	}
	_, up := p.say("hier")
	if string(up.payload) != "hier" || len(up.commands) > 0 {
		t.Errorf("%+v: want the payload under keys of 1.0, and no RekeyInd", up)
	}
}

func devNonce(tx Transmission) int { return int(binary.LittleEndian.Uint16(tx.PHYPayload[17:])) }

func TestDevNonce(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(t, v, false, Profile{DataRate: 5, Memory: KeepsNonces})
			var got []int
			for i := range 6 {
				if i == 3 {
					p.d.Boot(p.now)
				}
				got = append(got, devNonce(p.next()))
			}
			counts := slices.Equal(got, []int{0, 1, 2, 3, 4, 5})
			if counts != (v != lorawan.V1_0_3) {
				t.Errorf("nonces %v", got)
			}
			if slices.Sort(got); len(slices.Compact(got)) != 6 {
				t.Errorf("nonces %v repeat", got)
			}
		})
	}
	t.Run("cheap firmware", func(t *testing.T) {
		p := newPair(t, lorawan.V1_0_4, false, Profile{Memory: KeepsNothing})
		first := devNonce(p.next())
		p.d.Boot(p.now)
		if again := devNonce(p.next()); again != first {
			t.Errorf("nonce %d after %d, want the same again", again, first)
		}
	})
	t.Run("the last", func(t *testing.T) {
		p := newPair(t, lorawan.V1_0_4, false, Profile{})
		p.d.mem.DevNonce = 65535
		if got := devNonce(p.next()); got != 65535 {
			t.Errorf("nonce %d", got)
		}
		p.silent()
	})
}

func TestJoinAcceptRefused(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(t, v, false, Profile{Memory: KeepsNonces})
			tx := p.next()
			good := p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)
			bad := slices.Clone(good)
			bad[5] ^= 1
			if _, err := p.hear(tx, 1, bad); !errors.Is(err, lorawan.ErrMIC) {
				t.Errorf("one bit off: %v", err)
			}
			if _, err := p.hear(tx, 1, good); err != nil {
				t.Fatal(err)
			}
			// The network forgets its JoinNonce and gives the same again.
			p.d.Boot(p.now)
			p.n.joinNonce--
			tx = p.next()
			_, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil))
			if want := v != lorawan.V1_0_3; errors.Is(err, ErrNonce) != want {
				t.Errorf("an old JoinNonce: %v", err)
			}
			if got := p.d.Stats(); got.BadMIC != 1 || got.BadNonce != uint32(min(1, v-1)) {
				t.Errorf("%+v", got)
			}
			// An answer to an earlier request is none to the next.
			if v == lorawan.V1_1 {
				old := p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)
				tx = p.next()
				if _, err := p.hear(tx, 1, old); !errors.Is(err, lorawan.ErrMIC) {
					t.Errorf("the answer to the request before: %v", err)
				}
			}
		})
	}
}

// TestJoinBackOff lets nobody answer for five days.
func TestJoinBackOff(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, false, Profile{DataRate: 5})
	began := p.d.joining.since.time()
	onAir := map[int]time.Duration{}
	rates := map[uint8]int{}
	stage := func(e time.Duration) int {
		switch {
		case e < time.Hour:
			return 0
		case e < 11*time.Hour:
			return 1
		}
		return 2 + int((e-11*time.Hour)/(24*time.Hour))
	}
	var gaps []time.Duration
	for last := began; p.now.Sub(began) < 5*24*time.Hour; {
		tx := p.next()
		onAir[stage(tx.Start.Sub(began))] += tx.Airtime
		rates[tx.DataRate]++
		gaps = append(gaps, tx.Start.Sub(last))
		last = tx.Start
	}
	for s, sum := range onAir {
		most, least := 36*time.Second, 18*time.Second
		if s > 1 {
			most, least = 8700*time.Millisecond, 4*time.Second
		}
		if s == 6 {
			least = 0 // cut off
		}
		if sum > most || sum < least {
			t.Errorf("stage %d: %v on air, want %v to %v", s, sum, least, most)
		}
	}
	if len(onAir) != 7 {
		t.Errorf("stages %v, want 7", onAir)
	}
	for dr := range uint8(6) {
		if rates[dr] < 10 {
			t.Errorf("DR%d was tried %d times: %v", dr, rates[dr], rates)
		}
	}
	slices.Sort(gaps)
	if n := len(slices.Compact(gaps)); n < len(gaps)-2 {
		t.Errorf("of %d gaps only %d differ", len(gaps), n)
	}
}

// TestJoinBudget: when chance has spent a stage's time on air the next stage is waited for.
func TestJoinBudget(t *testing.T) {
	p := newPair(t, lorawan.V1_0_4, false, Profile{DataRate: 5})
	p.d.joining.onAir = 35950 * time.Millisecond // a request at SF7 takes 62 ms
	p.next()
	if wait := p.next().Start.Sub(p.d.joining.since.time()); wait < time.Hour {
		t.Errorf("the next request comes %v after power-up, want it after the first hour", wait)
	}
}

func TestJoinButton(t *testing.T) {
	p := joined(t, lorawan.V1_1, Profile{Queue: 2})
	p.send(Message{Port: 2, Payload: []byte("bleibt")})
	p.d.Join(p.now)
	if tx := p.next(); tx.MType != lorawan.JoinRequestType {
		t.Fatalf("%+v, want a join-request", tx)
	} else if _, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)); err != nil {
		t.Fatal(err)
	}
	if up := p.n.read(t, p.next(), 0); string(up.payload) != "bleibt" {
		t.Errorf("%+v", up)
	}
}

func TestJoinButtonOfABP(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{})
	p.d.Join(p.now)
	if _, up := p.say("a"); string(up.payload) != "a" {
		t.Errorf("%+v, want the session it was made with", up)
	}
}

// TestOddJoinAccept: what the band does not know is left as the band has it.
func TestOddJoinAccept(t *testing.T) {
	p := newPair(t, lorawan.V1_0_4, false, Profile{DataRate: 5})
	tx := p.next()
	list := make([]byte, 16)
	list[0], list[15] = 0xff, 1 // a mask, as other regions have it
	if _, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 7, 15, 0, list)); err != nil {
		t.Fatal(err)
	}
	if got, want := p.d.mem.P, (&Profile{DataRate: 5}).parameters(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestNoRekeyConf: a network that never confirms the new keys is left after 64 uplinks.
func TestNoRekeyConf(t *testing.T) {
	p := newPair(t, lorawan.V1_1, false, Profile{DataRate: 5})
	tx := p.next()
	if _, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)); err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		if _, up := p.say("a"); len(up.commands) != 1 || up.commands[0] != (lorawan.RekeyInd{Minor: 1}) {
			t.Fatalf("uplink %d: commands %v, want RekeyInd", i, up.commands)
		}
	}
	p.send(Message{Port: 2})
	if tx := p.next(); tx.MType != lorawan.JoinRequestType {
		t.Errorf("%+v, want a join-request", tx)
	}
}

func TestForceRejoin(t *testing.T) {
	for _, typ := range []uint8{0, 2} {
		p := joined(t, lorawan.V1_1, Profile{DataRate: 5})
		p.d.mem.P.RXDelay = 3
		tx, _ := p.say("a")
		p.mustHear(tx, plainDown{port: -1, fopts: wire(t, lorawan.ForceRejoinReq{Period: 1, MaxRetries: 2, RejoinType: typ, DataRate: 2})})
		var last Transmission
		for i := range 3 {
			tx := p.next()
			if tx.MType != lorawan.RejoinRequestType || tx.DataRate != 2 || tx.PHYPayload[1] != typ || tx.PHYPayload[13] != byte(i) {
				t.Fatalf("try %d: %+v, want a rejoin-request of type %d at DR2 with RJcount %d", i, tx, typ, i)
			}
			if gap := tx.Start.Sub(last.Start.Add(last.Airtime)); i > 0 && (gap < 64*time.Second || gap > 3*time.Minute) {
				t.Errorf("try %d after %v", i, gap)
			}
			last = tx
		}
		before, count := p.n.app, p.d.mem.RJCount
		if out, err := p.hear(last, 1, p.n.accept(t, last.PHYPayload, 0, 0, 1, nil)); err != nil || !out.Joined || p.n.app == before {
			t.Fatalf("%+v, %v", out, err)
		}
		if p.d.mem.RJCount != 0 || count != 3 {
			t.Errorf("type %d: the next RJcount is %d after %d, want 0 after 3", typ, p.d.mem.RJCount, count)
		}
		tx, up := p.say("neu")
		if string(up.payload) != "neu" || tx.FCnt != 0 || len(up.commands) != 1 {
			t.Errorf("type %d: %+v %+v, want frame 0 with RekeyInd under new keys", typ, tx, up)
		}
		if want := map[uint8]uint8{0: 1, 2: 3}[typ]; p.d.mem.P.RXDelay != want {
			t.Errorf("type %d: RXDelay %d, want %d", typ, p.d.mem.P.RXDelay, want)
		}
	}
	t.Run("it gives up", func(t *testing.T) {
		p := joined(t, lorawan.V1_1, Profile{DataRate: 5})
		tx, _ := p.say("a")
		p.mustHear(tx, plainDown{port: -1, fopts: wire(t, lorawan.ForceRejoinReq{})})
		p.next()
		p.silent()
		if _, up := p.say("weiter"); string(up.payload) != "weiter" {
			t.Errorf("%+v: want the old session", up)
		}
	})
}

func TestPeriodicRejoin(t *testing.T) {
	p := joined(t, lorawan.V1_1, Profile{DataRate: 5})
	if got := p.command(lorawan.RejoinParamSetupReq{MaxTimeN: 15, MaxCountN: 0}); !slices.Contains(got, lorawan.Command(lorawan.RejoinParamSetupAns{TimeOK: true})) {
		t.Errorf("answers %v", got)
	}
	rejoins := 0
	for range 40 {
		p.send(Message{Port: 2})
		tx := p.next()
		if tx.MType == lorawan.RejoinRequestType {
			rejoins++
			tx = p.next()
		}
		if tx.MType != lorawan.UnconfirmedUp {
			t.Fatalf("%+v", tx)
		}
	}
	if rejoins < 2 || rejoins > 3 {
		t.Errorf("%d rejoin-requests in 40 uplinks, want one each 16", rejoins)
	}
	p.now = p.now.Add(time.Second << 25)
	p.send(Message{Port: 2})
	if tx := p.next(); tx.MType != lorawan.RejoinRequestType {
		t.Errorf("after a year: %v", tx.MType)
	}
}
