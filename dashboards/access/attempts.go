package access

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"time"
)

// allowance is how many failed logins are free at once, and how long until there is one more.
type allowance struct {
	free  float64
	every time.Duration
}

// The allowances. None of them locks an account for good: after at most the time of one more
// there is a try again. From where somebody has logged in before, guessing elsewhere does not
// count, so nobody can keep another one out.
var (
	ofNameAndAddress = allowance{5, time.Minute}
	ofAddress        = allowance{20, 10 * time.Second}
	ofName           = allowance{30, 30 * time.Second}
)

// mostBuckets and mostFamiliar bound the memory, about 100 bytes each.
const (
	mostBuckets  = 20_000
	mostFamiliar = 10_000
)

// attempts bounds guessing.
type attempts struct {
	mu       sync.Mutex
	buckets  map[[sha256.Size]byte]bucket
	familiar map[[sha256.Size]byte]time.Time // names and addresses of logins that went well
}

// bucket is what is left of an allowance.
type bucket struct {
	allowance
	left float64
	at   time.Time
}

func (b bucket) now(now time.Time) bucket {
	if d := now.Sub(b.at); d > 0 {
		b.left, b.at = min(b.free, b.left+float64(d)/float64(b.every)), now
	}
	return b
}

func newAttempts() *attempts {
	return &attempts{buckets: map[[sha256.Size]byte]bucket{}, familiar: map[[sha256.Size]byte]time.Time{}}
}

func sumOf(kind, name, address string) [sha256.Size]byte {
	return sha256.Sum256([]byte(kind + "\x00" + address + "\x00" + name))
}

// begin takes one try off every allowance, or says how long to wait; nobody tries before that.
func (a *attempts) begin(name, address string, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.concerned(name, address)
	for key, size := range of {
		b := a.look(key, size, now)
		if _, known := a.buckets[key]; known { // it is remembered for as long as somebody goes on
			a.buckets[key] = b
		}
		if b.left < 1 {
			wait = max(wait, time.Duration((1-b.left)*float64(b.every)))
		}
	}
	if wait > 0 {
		return max(wait, time.Second)
	}
	for key, size := range of {
		b := a.look(key, size, now)
		b.left--
		a.buckets[key] = b
	}
	if len(a.buckets) > mostBuckets {
		a.forget(now)
	}
	return 0
}

// concerned are the allowances that a login counts against.
func (a *attempts) concerned(name, address string) map[[sha256.Size]byte]allowance {
	of := map[[sha256.Size]byte]allowance{sumOf("pair", name, address): ofNameAndAddress, sumOf("address", "", address): ofAddress}
	if _, known := a.familiar[sumOf("pair", name, address)]; !known {
		of[sumOf("name", name, "")] = ofName
	}
	return of
}

func (a *attempts) look(key [sha256.Size]byte, size allowance, now time.Time) bucket {
	b, known := a.buckets[key]
	if !known {
		return bucket{size, size.free, now}
	}
	return b.now(now)
}

// succeeded gives back what begin took.
func (a *attempts) succeeded(name, address string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, size := range a.concerned(name, address) {
		b := a.look(key, size, now)
		b.left = min(b.free, b.left+1)
		a.buckets[key] = b
	}
	if len(a.familiar) >= mostFamiliar {
		halve(a.familiar, func(at time.Time) time.Time { return at })
	}
	a.familiar[sumOf("pair", name, address)] = now
}

// forget drops what says nothing any more, and then what has not been touched for longest.
func (a *attempts) forget(now time.Time) {
	maps.DeleteFunc(a.buckets, func(_ [sha256.Size]byte, b bucket) bool { return b.now(now).left >= b.free })
	if len(a.buckets) > mostBuckets/2 {
		halve(a.buckets, func(b bucket) time.Time { return b.at })
	}
}

// halve drops the older half.
func halve[K comparable, V any](m map[K]V, at func(V) time.Time) {
	times := make([]time.Time, 0, len(m))
	for _, v := range m {
		times = append(times, at(v))
	}
	slices.SortFunc(times, time.Time.Compare)
	middle := times[len(times)/2]
	maps.DeleteFunc(m, func(_ K, v V) bool { return !at(v).After(middle) })
}
