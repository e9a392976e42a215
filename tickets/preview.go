package tickets

import (
	"time"

	"meldefunk/city"
)

// Preview gives what a ticket system would be told of a case on its route: the words for
// people and the facts for machines. a is the case's asset, nil where the inventory does not
// have it. zone is that of the times in the texts. Closing is "" unless the case's Closed is
// set.
func Preview(c city.Case, a *city.Asset, r Route, zone *time.Location) city.Order {
	return words{zone: zone}.along(r).order(c, a)
}

// order puts together what a ticket system is told of a case.
func (w words) order(c city.Case, a *city.Asset) city.Order {
	title := w.title(&c, a)
	return city.Order{
		Case:    c,
		Asset:   a,
		Title:   title,
		Text:    w.text(&c, a, title),
		Closing: w.closing(&c),
		Marker:  Marker(c.Ref),
		Place:   where(&c, a),
		Code:    w.route.Code,

		Attributes: w.attributes(&c, a),
	}
}
