package board

import (
	"context"

	"meldefunk/city"
)

// Store is what the board reads. Each page calls it one to three times per request, from
// many goroutines, with a ctx that ends when the visitor leaves or after ten seconds.
// What it returns belongs to the board.
type Store interface {
	// Latest gives, in any order, the newest reading by event time of every asset that
	// has one. Readings sent by hand (Simulated) do not count.
	Latest(ctx context.Context) ([]city.Reading, error)

	// History gives up to limit readings of an asset, newest event time first. An asset
	// without readings has none; that is not an error.
	History(ctx context.Context, asset string, limit int) ([]city.Reading, error)

	// Cases gives up to limit cases, those opened or closed last first. With openOnly,
	// closed ones are left out before the limit counts.
	Cases(ctx context.Context, openOnly bool, limit int) ([]city.CaseTicket, error)

	// Case gives the case of a reference, with what people want of it and did not get yet;
	// false: there is none.
	Case(ctx context.Context, ref string) (city.CaseTicket, bool, error)

	// Tickets gives the cases that a filter chooses, those opened last first.
	Tickets(ctx context.Context, f city.TicketFilter) ([]city.CaseTicket, error)

	// TicketLog gives the history of a case's ticket, oldest first. A case that is not there
	// has none.
	TicketLog(ctx context.Context, ref string) ([]city.TicketEntry, error)

	// AllMutes gives up to limit mutes, those that began last first, also lifted ones and
	// those that are over.
	AllMutes(ctx context.Context, limit int) ([]city.Mute, error)

	// Asides gives up to limit set-aside messages from offset on, the one seen last
	// first, and how many there are in all.
	Asides(ctx context.Context, limit, offset int) ([]city.SetAside, int64, error)

	// AsideCounts counts the set-aside messages that a filter chooses by their reason, most
	// messages first.
	AsideCounts(ctx context.Context, f city.AsideFilter) ([]city.AsideCount, error)

	// DeviceNews gives what is known of a device beside its readings, with up to limit
	// events, newest first.
	DeviceNews(ctx context.Context, devEUI city.EUI, limit int) (city.DeviceNews, error)
}

// Inventory is what hangs where. It is called on every request, must not block, and what
// it returns is not changed. The order of Assets is the order of the board where nothing
// else is asked for.
type Inventory interface {
	Assets() []*city.Asset
	Devices(asset string) []*city.Device
}

// Rules is what the board asks about the rules in force. It is called like Store.
type Rules interface {
	// Texts tells every rule in German words, in the order of the rule file. It must not block.
	Texts() []city.RuleText

	// Explain tells a decision in German sentences. It must not block.
	Explain(d *city.Decision) []string

	// Standings tells where the rules stand at an asset that are not idle there.
	Standings(ctx context.Context, asset string) ([]city.Standing, error)

	// Outlooks tells, by asset, when rules will be met there if things go on as they did. It may
	// be up to a minute old, and is not changed.
	Outlooks(ctx context.Context) (map[string][]city.Outlook, error)

	// Pending counts, by rule, the assets and groups where what opens a case holds, but not
	// yet for long or often enough.
	Pending(ctx context.Context) (map[string]int, error)
}

// Decisions is where the records of decisions are kept. It is called like Store.
type Decisions interface {
	// Decisions gives up to limit decisions on a case, the newest first.
	Decisions(ctx context.Context, ref string, limit int) ([]city.Decision, error)
}

// Check is the answer of one part of the platform to "are you ready?".
type Check struct {
	Name   string `json:"name"`             // of the part, "store"
	OK     bool   `json:"ok"`               // false: the platform is not ready
	Reason string `json:"reason,omitempty"` // why not, for the operator; without secrets
}
