package api

import (
	"strconv"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// mostDecisions bounds what is told of one case: the newest.
const mostDecisions = 500

// decisionBody is a decision as it is told: the kept record with its number.
type decisionBody struct {
	ID   int64  `json:"id"`
	Case string `json:"case,omitempty"`
	city.Decision
	Readings []evidenceBody `json:"readings,omitempty"` // instead of the record's
}

// evidenceBody is one reading that a decision rests on. The device is for those who may read
// devices.
type evidenceBody struct {
	Time   time.Time          `json:"time"`
	DevEUI string             `json:"dev_eui,omitempty"`
	FCnt   uint32             `json:"fcnt"`
	Values map[string]float64 `json:"values,omitempty"`
	Faults []city.Fault       `json:"faults,omitempty"`
	Truth  string             `json:"truth,omitempty"`
}

func bodyOfDecision(r *city.Ruling, withDevice bool) decisionBody {
	b := decisionBody{ID: r.ID, Case: r.Case, Decision: r.Decision}
	for _, e := range r.Readings {
		one := evidenceBody{Time: e.Time, FCnt: e.FCnt, Values: e.Values, Faults: e.Faults, Truth: e.Truth}
		if withDevice {
			one.DevEUI = e.DevEUI.String()
		}
		b.Readings = append(b.Readings, one)
	}
	return b
}

// decisions gives them by rising numbers, so that who follows them misses none.
func (a *API) decisions(c call) (any, error) {
	limit, err := c.query.limit()
	if err != nil {
		return nil, err
	}
	var after int64
	if text := c.query.word("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return nil, badArgument("after", "%.40q: want the number of a decision", text)
		}
	}
	cursor, err := c.query.cursor()
	if err != nil {
		return nil, err
	}
	if cursor != "" {
		if after, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return nil, badCursor()
		}
	}
	found, err := a.opt.Store.DecisionsAfter(c, after, limit+1)
	if err != nil {
		return nil, err
	}
	items := c.decisionBodies(found[:min(len(found), limit)])
	if len(found) > limit {
		return c.page(items, true, strconv.FormatInt(items[limit-1].ID, 10)), nil
	}
	return c.page(items, false, ""), nil
}

func (a *API) ticketDecisions(c call) (any, error) {
	ref := c.path("ref")
	if _, there, err := a.opt.Store.Case(c, ref); err != nil {
		return nil, err
	} else if !there {
		return nil, noTicket()
	}
	found, err := a.opt.Store.Decisions(c, ref)
	if err != nil {
		return nil, err
	}
	return list{Items: c.decisionBodies(found[max(0, len(found)-mostDecisions):])}, nil
}

func (c call) decisionBodies(found []city.Ruling) []decisionBody {
	items := make([]decisionBody, 0, len(found))
	for i := range found {
		items = append(items, bodyOfDecision(&found[i], c.visitor.May.Have(visitor.ReadDevices)))
	}
	return items
}
