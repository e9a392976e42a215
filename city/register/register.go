// Package register says how the inventory is kept by the store: devices with their state and
// wrapped keys, assets, which device hung where from when to when, what network servers were
// told, and who changed what. These are the nouns that the inventory, the store and the board
// share.
//
// It does not know where they are kept, what a model is, or how a network server is spoken to.
package register

import (
	"bytes"
	"errors"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// State is where a device stands in its life.
type State string

// The states. A device that is installed and not heard is silent: that is seen, not kept.
const (
	InStock     State = "in_stock"    // on the shelf, hangs nowhere
	Planned     State = "planned"     // its asset is known, it does not hang there yet
	Installed   State = "installed"   // hangs on its asset
	Maintenance State = "maintenance" // hangs on its asset and is worked on
	Retired     State = "retired"     // will not come back; kept for its history
)

// States lists them in the order of a device's life.
func States() []State { return []State{InStock, Planned, Installed, Maintenance, Retired} }

// Device is a device as the register keeps it.
type Device struct {
	city.Device // Asset is where it hangs, or will once it is installed; "" is nowhere
	State       State
	JoinEUI     city.EUI
	Serial      string // the maker's
	Version     enrol.Version
	Region      string // "EU868"
	Class       enrol.Class
	Profile     string        // of the network server, if it is not made from the other fields
	Interval    time.Duration // between uplinks, as promised; 0: not told
	Owner       string        // who it belongs to; "": the city
	Note        string
	Keys        Keys

	Revision int64 // the register's when it was last changed; 0: not kept yet
	Changed  time.Time
}

// Hangs tells whether the device hangs on its asset now.
func (d *Device) Hangs() bool { return d.State == Installed || d.State == Maintenance }

// Keys are the root keys of a device, wrapped (RFC 3394, 24 bytes each) with the key
// encryption key of that label. Their names are those of enrol.RootKeys.
type Keys struct {
	KEK string
	Nwk []byte
	App []byte // LoRaWAN 1.1 only
}

// Joins tells whether joins that were proven with these keys are proven with other ones too,
// so that what they used up stays used up: the one that proves them is Nwk. Keys under
// different labels cannot be compared, and count as different.
func (k Keys) Joins(with Keys) bool { return k.KEK == with.KEK && bytes.Equal(k.Nwk, with.Nwk) }

// None tells whether there are no keys: a join server of somebody else has them.
func (k Keys) None() bool { return len(k.Nwk) == 0 && len(k.App) == 0 }

// Asset is an asset as the register keeps it.
type Asset struct {
	city.Asset
	Groups []string // sets of assets that people name, sorted: "Wochenmarkt"
	Photos []string // addresses or names of files; the pictures lie elsewhere
	Note   string

	Revision int64
	Changed  time.Time
}

// Binding tells that a device hung on an asset: from From on, before To. No two of one device
// and no two of one asset overlap.
type Binding struct {
	DevEUI   city.EUI
	Asset    string
	From, To time.Time // To zero: it still hangs there
}

// At tells whether the device hung there at a time.
func (b *Binding) At(t time.Time) bool {
	return !t.Before(b.From) && (b.To.IsZero() || t.Before(b.To))
}

// Snapshot is the whole register at one revision. Devices are in the order of their EUIs,
// assets in that of their numbers, bindings by device and time.
type Snapshot struct {
	Revision int64 // rises with each change; 0: empty
	Devices  []Device
	Assets   []Asset
	Bindings []Binding
}

// Change is what becomes different in one transaction. All of it is kept or nothing.
type Change struct {
	Base   int64 // the revision it was made from: with any other nothing is kept, see ErrChanged
	At     time.Time
	By     string // who
	Reason string // may be empty
	From   string // by which way: "cli", "import devices.csv", "board"

	Devices  []Device  // as they are now, with all their fields; new or known
	Assets   []Asset   // likewise
	Bindings []Binding // likewise; DevEUI and From say which one it is
	// Dropped are bindings that were never so: entered by mistake.
	Dropped []Binding
	// Flushed are devices whose nonces begin anew at the join server: their root keys are
	// others, or they have forgotten how often they joined. JoinNonces rise on all the same.
	Flushed []city.EUI
	Entries []Entry // for the audit trail; At, By, Reason, From are the change's
}

// Empty tells whether the change changes nothing. One of entries only, as of keys that were
// shown to somebody, fits every base and makes no revision.
func (c *Change) Empty() bool {
	return len(c.Devices)+len(c.Assets)+len(c.Bindings)+len(c.Dropped)+len(c.Flushed) == 0
}

// ErrChanged says that the register is not at the change's base any more: somebody else
// changed it meanwhile.
var ErrChanged = errors.New("the register was changed meanwhile")

// ErrUnknown says that something is not in the register.
var ErrUnknown = errors.New("not in the register")

// Action says what an entry of the audit trail is about.
type Action string

// The actions.
const (
	Added     Action = "added"
	Altered   Action = "altered" // fields: see Entry.Facts
	Moved     Action = "moved"
	Replaced  Action = "replaced"  // the asset has another device
	Withdrawn Action = "withdrawn" // retired
	KeysSet   Action = "keys_set"  // root keys are others
	Rewrapped Action = "rewrapped"
	Revealed  Action = "revealed" // somebody was shown keys in clear
	Enrolled  Action = "enrolled" // a network server was told
	Removed   Action = "removed"  // a network server was told to forget it
)

// Entry is a line of the audit trail. It holds no key.
type Entry struct {
	ID     int64
	At     time.Time
	By     string
	Reason string
	From   string

	Action Action
	DevEUI city.EUI // zero: it is about an asset
	Asset  string   // ""; or the asset it is about, for a move where the device hangs now
	Facts  []Fact
}

// Fact is a field that became different. Of a key it only says "set" or "".
type Fact struct {
	Field string `json:"field"`
	Was   string `json:"was,omitempty"`
	Is    string `json:"is,omitempty"`
}

// Trail chooses entries, the newest first.
type Trail struct {
	DevEUI city.EUI // zero: any
	Asset  string   // "": any
	Before int64    // only IDs below; 0: from the newest on
	Limit  int
}

// Registration is what one network server was told of a device.
type Registration struct {
	DevEUI city.EUI
	Server string // name in the settings
	// Digest is that of what the server was last told completely, see enrol; "" is nothing. The
	// device is up to date there when it is the digest of what is wanted.
	Digest string
	Told   time.Time
	// Failure is why the last attempt was given up; "" after one that went well. Tried is when
	// that was. Where Failure is set the server may know the device in part.
	Failure string
	Tried   time.Time
}
