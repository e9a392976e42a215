package mac

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unsafe"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

func TestNewRefuses(t *testing.T) {
	good := Identity{Version: lorawan.V1_1, DevEUI: city.EUI{1}, AppKey: lorawan.Key{1}, NwkKey: lorawan.Key{2}}
	for _, c := range []struct {
		name string
		edit func(*Identity, *Profile)
		want string
	}{
		{"no version", func(id *Identity, _ *Profile) { id.Version = 0 }, "version"},
		{"no AppKey", func(id *Identity, _ *Profile) { id.AppKey = lorawan.Key{} }, "AppKey"},
		{"no NwkKey", func(id *Identity, _ *Profile) { id.NwkKey = lorawan.Key{} }, "NwkKey"},
		{"session of another version", func(id *Identity, _ *Profile) { id.ABP = &lorawan.Session{Version: lorawan.V1_0_3} }, "version"},
		{"session without keys", func(id *Identity, _ *Profile) { id.ABP = &lorawan.Session{Version: lorawan.V1_1} }, "lacks keys"},
		{"data rate", func(_ *Identity, p *Profile) { p.DataRate = 6 }, "data rate 6"},
		{"memory", func(_ *Identity, p *Profile) { p.Memory = 3 }, "memory 3"},
		{"queue", func(_ *Identity, p *Profile) { p.Queue = -1 }, "queue"},
		{"offset", func(_ *Identity, p *Profile) { p.RX1DROffset = 6 }, "RX1DROffset 6"},
		{"RX2", func(_ *Identity, p *Profile) { p.RX2Frequency = 915000000 }, "RX2"},
		{"channel", func(_ *Identity, p *Profile) { p.Channels = []uint32{868650000} }, "868650000"},
		{"channels", func(_ *Identity, p *Profile) { p.Channels = make([]uint32, 14) }, "14 channels"},
	} {
		id, p := good, Profile{}
		c.edit(&id, &p)
		if _, err := New(id, &p, rand.New(rand.NewPCG(1, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := New(good, &Profile{}, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Error(err)
	}
}

// TestRestart: what each kind of firmware still knows after one.
func TestRestart(t *testing.T) {
	for _, c := range []struct {
		memory Memory
		abp    bool
		joins  bool
		fcnt   uint32
	}{
		{KeepsSession, false, false, 3},
		{KeepsNonces, false, true, 0},
		{KeepsNothing, false, true, 0},
		{KeepsSession, true, false, 3},
		{KeepsNonces, true, false, 3},
		{KeepsNothing, true, false, 0},
	} {
		for _, process := range []bool{false, true} {
			t.Run(fmt.Sprintf("memory %d, ABP %v, another process %v", c.memory, c.abp, process), func(t *testing.T) {
				profile := Profile{DataRate: 5, Memory: c.memory, Queue: 2}
				p := newPair(t, lorawan.V1_0_4, c.abp, profile)
				if !c.abp {
					p.join()
				}
				for range 3 {
					p.say("a")
				}
				p.send(Message{Port: 1, Payload: []byte("geht verloren")})
				p.now = p.now.Add(time.Minute)
				if process {
					d, err := New(p.id, &profile, rand.New(rand.NewPCG(9, 9)))
					if err != nil {
						t.Fatal(err)
					}
					if err := d.Restore(p.d.Snapshot()); err != nil {
						t.Fatal(err)
					}
					p.d = d
				}
				p.d.Boot(p.now)
				if c.joins {
					tx := p.next()
					if tx.MType != lorawan.JoinRequestType {
						t.Fatalf("%v, want a join-request", tx.MType)
					}
					if want := map[Memory]int{KeepsNonces: 1}[c.memory]; devNonce(tx) != want {
						t.Errorf("DevNonce %d, want %d", devNonce(tx), want)
					}
					if _, err := p.hear(tx, 1, p.n.accept(t, tx.PHYPayload, 0, 0, 1, nil)); err != nil {
						t.Fatal(err)
					}
				}
				p.silent()
				tx, up := p.say("danach")
				if tx.FCnt != c.fcnt || string(up.payload) != "danach" {
					t.Errorf("%+v: counter %d, want %d", up, tx.FCnt, c.fcnt)
				}
			})
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{})
	good := p.d.Snapshot()
	fresh := func(id Identity) *Device {
		d, err := New(id, p.d.profile, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if err := p.d.Restore(good); err == nil {
		t.Error("it is restored while it is on")
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 4
		if err := fresh(p.id).Restore(bad); err == nil {
			t.Fatalf("restored with byte %d off", i)
		}
	}
	if err := fresh(p.id).Restore(good[:20]); err == nil {
		t.Error("restored from 20 bytes")
	}
	if err := fresh(p.id).Restore(nil); err == nil {
		t.Error("restored from nothing")
	}
	abp := p.id
	s := lorawan.Session10(lorawan.V1_0_4, lorawan.DevAddr{1}, lorawan.Key{1}, lorawan.Key{2})
	abp.ABP = &s
	if err := fresh(abp).Restore(good); err == nil {
		t.Error("an ABP device took the session of another")
	}
	d := fresh(p.id)
	if err := d.Restore(good); err != nil || d.mem != p.d.mem {
		t.Errorf("%v", err)
	}
}

// TestSize: 100,000 devices live in one process.
func TestSize(t *testing.T) {
	size := unsafe.Sizeof(Device{}) + unsafe.Sizeof(Message{}) + 51 + unsafe.Sizeof(rand.Rand{}) + unsafe.Sizeof(rand.PCG{})
	t.Logf("a device: %d bytes, with queue, payload and randomness %d", unsafe.Sizeof(Device{}), size)
	if size > 1024 {
		t.Errorf("%d bytes, want at most 1,024", size)
	}
}

// TestSameSeed: the same seed makes the same bytes at the same times.
func TestSameSeed(t *testing.T) {
	run := func() (log []string) {
		p := newPair(t, lorawan.V1_0_3, false, Profile{DataRate: 5, ADR: true})
		p.join()
		for i := range 50 {
			p.send(Message{Port: 1, Payload: []byte{byte(i)}, Confirmed: i%3 == 0})
			tx := p.next()
			log = append(log, fmt.Sprintf("%v %x %d", tx.Start, tx.PHYPayload, tx.Frequency))
			p.now = p.now.Add(time.Minute)
		}
		return log
	}
	a, b := run(), run()
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("frame %d: %s and %s", i, a[i], b[i])
		}
	}
}
