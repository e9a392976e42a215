package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
	"meldefunk/rules/expr"
)

// asking reads the conditions of one level.
type asking struct {
	*loader
	kinds   []city.Kind
	ofGroup bool // of a group, and not of an asset
}

// form is one way to write a condition, and the keys that go with it.
type form struct {
	key  string
	with []string
	like string
	read func(a *asking, f fields, q city.Quantity) Signal
	bare bool // has no quantity
}

var forms = []form{
	{"is", nil, `{is: ">= 90 %"}`, (*asking).threshold, false},
	{"change", []string{"within"}, `{change: "-40 %", within: 1h}`, (*asking).change, false},
	{"rate", []string{"over"}, `{rate: ">= 5 %/h", over: 6h}`, (*asking).rate, false},
	{"forecast", []string{"within", "reliability"}, `{forecast: ">= 100 %", within: 12h}`, (*asking).forecast, false},
	{"stuck", []string{"outside", "jump"}, `{stuck: 8}`, (*asking).implausible, false},
	{"outside", []string{"stuck", "jump"}, `{outside: 0 % to 90 %}`, (*asking).implausible, false},
	{"jump", []string{"stuck", "outside"}, `{jump: 200 %/h}`, (*asking).implausible, false},
	{"fault", nil, `{fault: [no_echo, probe_broken]}`, (*asking).fault, true},
	{"silent", []string{"at_least"}, `{silent: 3 periods, at_least: 24h}`, (*asking).silence, true},
	{"share", []string{"members"}, `{share: ">= 30 %", members: 5}`, (*asking).aggregate, true},
	{"number", []string{"members"}, `{number: ">= 3"}`, (*asking).aggregate, true},
	{"expr", []string{"limit"}, `{expr: fill_level >= limit && !tilt, limit: 85}`, (*asking).expression, false},
}

// conditionKeys are all that may stand in a condition.
func conditionKeys() []string {
	keys := []string{"quantity"}
	for i := range forms {
		for _, key := range append([]string{forms[i].key}, forms[i].with...) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// open reads the condition that opens; nil: it has been told what is wrong.
func (a *asking) open(f fields) Signal {
	n, given := f.node["open"]
	plain := !given || n.Kind == yaml.ScalarNode
	if plain && a.ofGroup {
		a.add(orHere(n, f), "open: wants the share or the number of the group's members, like open: {share: \">= 30 %%\", members: 5}")
		return nil
	}
	q, known := a.quantity(f, plain)
	if !given {
		like := `">= 90 %"`
		if known {
			like = a.like(q)
		}
		a.need(f, "open", like, nil)
		return nil
	}
	if plain && !known {
		return nil
	}
	return a.signal(f, "open", q)
}

// clear reads the condition that closes; nil: open is no longer true, or it has been told what
// is wrong.
func (a *asking) clear(f fields, open Signal) Signal {
	if n, given := f.node["clear"]; given {
		q, known := city.QuantityUnknown, false
		if named, given := f.node["quantity"]; given {
			var err error
			q, err = city.ParseQuantity(named.Value) // what is wrong with it was told for open
			known = err == nil
		}
		if n.Kind == yaml.ScalarNode && !known {
			if open != nil {
				a.add(begin(n), "clear: wants quantity beside it, or a condition of its own like %s", forms[0].like)
			}
			return nil
		}
		clear := a.signal(f, "clear", q)
		a.overlap(n, open, clear)
		return clear
	}
	t, is := open.(Threshold)
	switch {
	case !is:
		return nil
	case t.Quantity.Boolean():
		return Threshold{t.Quantity, t.Condition.opposite()}
	}
	like := `"<= 30 %"`
	if t.Quantity != city.FillLevel {
		like = "the other way round than open, with some distance to it"
	}
	a.need(f, "clear", like, nil)
	return nil
}

// overlap refuses two thresholds that can be true at once.
func (a *asking) overlap(n *yaml.Node, open, clear Signal) {
	o, isOpen := open.(Threshold)
	c, isClear := clear.(Threshold)
	if isOpen && isClear && o.Quantity == c.Quantity && o.Condition.overlaps(c.Condition) {
		q := o.Quantity
		a.add(begin(n), "clear: %q and open %q can be true at once: want a clear that is true only where open is not, like %q",
			c.Condition.In(q), o.Condition.In(q), o.Condition.opposite().In(q))
	}
}

// quantity reads what is measured; false: it does not say, or not what there is.
func (a *asking) quantity(f fields, needed bool) (q city.Quantity, known bool) {
	parse := func(text string) (err error) {
		q, err = city.ParseQuantity(text)
		return hinted(err, text, city.Quantities())
	}
	if needed {
		known = a.need(f, "quantity", "fill_level", parse)
	} else {
		known = a.read(f, "quantity", parse)
	}
	if !known {
		return 0, false
	}
	for _, k := range a.kinds {
		if !contains(measures(k), q) {
			a.add(begin(f.node["quantity"]), "quantity: %s is not measured at assets of kind %s: want one of %v", q, k, measures(k))
			break
		}
	}
	return q, true
}

func (a *asking) like(q city.Quantity) string {
	switch {
	case q.Boolean():
		return `"= true"`
	case q != city.FillLevel:
		return strconv.Quote(">= " + example(q))
	}
	return `">= 90 %"`
}

// signal reads one condition: a text is a threshold, a mapping one of the forms.
func (a *asking) signal(f fields, key string, q city.Quantity) Signal {
	n := f.node[key]
	if n.Kind == yaml.ScalarNode {
		s := Threshold{Quantity: q}
		if !a.read(f, key, func(text string) (err error) {
			s.Condition, err = parseCondition(text, q)
			return err
		}) {
			return nil
		}
		return s
	}
	own, ok := a.mapping(n, key, conditionKeys()...)
	if !ok {
		return nil
	}
	if _, given := own.node["quantity"]; given {
		if q, ok = a.quantity(own, true); !ok {
			return nil
		}
	}
	for i := range forms {
		form := &forms[i]
		if _, is := own.node[form.key]; !is {
			continue
		}
		for other, n := range own.node {
			if other != form.key && other != "quantity" && !slices.Contains(form.with, other) {
				a.add(begin(n), "%s: does not go with %s: want something like %s: %s", other, form.key, key, form.like)
				return nil
			}
		}
		switch group := form.key == "share" || form.key == "number"; {
		case group && !a.ofGroup:
			a.add(own.place, "%s: %s is about the members of a group: want over beside it, like over: tour, and member", key, form.key)
			return nil
		case !group && a.ofGroup:
			a.add(own.place, "%s: wants the share or the number of the group's members, like %s: {share: \">= 30 %%\", members: 5}", key, key)
			return nil
		}
		if q == city.QuantityUnknown && !form.bare && form.key != "expr" {
			a.add(own.place, "quantity: is missing: want something like quantity: fill_level")
			return nil
		}
		before := len(a.problems.list)
		s := form.read(a, own, q)
		if len(a.problems.list) > before {
			return nil
		}
		return s
	}
	var likes []string
	for i := range forms {
		likes = append(likes, forms[i].key)
	}
	a.add(own.place, "%s: says nothing to be asked: want one of %s, like %s: %s", key, strings.Join(likes, ", "), key, forms[1].like)
	return nil
}

func (a *asking) threshold(f fields, q city.Quantity) Signal {
	s := Threshold{Quantity: q}
	a.read(f, "is", func(text string) (err error) {
		s.Condition, err = parseCondition(text, q)
		return err
	})
	return s
}

// measuredIn is the unit of a number about a quantity, or of its change in an hour.
func measuredIn(q city.Quantity, perHour bool) unit {
	u := unit{q.String(), q.Unit(), example(q)}
	if perHour {
		u.of, u.name, u.example = "the rate of "+u.of, u.name+"/h", u.example+"/h"
		if q.Unit() == "" {
			u.example = "5 /h"
		}
	}
	return u
}

// number refuses yes-or-no quantities.
func (a *asking) number(f fields, key string, q city.Quantity) bool {
	if q.Boolean() {
		a.add(begin(f.node[key]), "%s: wants a quantity that is a number, and %s is yes or no", key, q)
	}
	return !q.Boolean()
}

func (a *asking) change(f fields, q city.Quantity) Signal {
	s := Change{Quantity: q}
	if !a.number(f, "change", q) {
		return nil
	}
	a.read(f, "change", func(text string) (err error) {
		if s.By, err = parseAmount(text, measuredIn(q, false)); err == nil && s.By == 0 {
			return errors.New("0 is no change: want how much it has risen, or fallen with a minus, like \"-40 %\"")
		}
		return err
	})
	a.need(f, "within", "1h", positive(&s.Within))
	return s
}

func (a *asking) rate(f fields, q city.Quantity) Signal {
	s := Rate{Quantity: q}
	if !a.number(f, "rate", q) {
		return nil
	}
	a.read(f, "rate", func(text string) (err error) {
		s.Condition, err = parseComparison(text, measuredIn(q, true))
		return err
	})
	a.need(f, "over", "6h", positive(&s.Over))
	return s
}

func (a *asking) forecast(f fields, q city.Quantity) Signal {
	s := Forecast{Quantity: q, Reliable: Medium}
	if !a.number(f, "forecast", q) {
		return nil
	}
	a.read(f, "forecast", func(text string) (err error) {
		s.Condition, err = parseCondition(text, q)
		return err
	})
	a.need(f, "within", "12h", positive(&s.Within))
	a.read(f, "reliability", oneOf(&s.Reliable, Low, Medium, High))
	return s
}

func (a *asking) implausible(f fields, q city.Quantity) Signal {
	s := Implausible{Quantity: q}
	a.read(f, "stuck", func(text string) error {
		if err := count(&s.Stuck)(text); err != nil || s.Stuck < 2 || s.Stuck > context+1 {
			return fmt.Errorf("%.40q does not fit: want a whole number from 2 to %d", text, context+1)
		}
		return nil
	})
	a.read(f, "outside", func(text string) (err error) {
		low, high, ok := strings.Cut(text, " to ")
		var r Range
		if ok {
			if r.Min, err = parseAmount(low, measuredIn(q, false)); err == nil {
				r.Max, err = parseAmount(high, measuredIn(q, false))
			}
		}
		if err == nil && (!ok || r.Min >= r.Max) {
			return fmt.Errorf("%.40q is no range: want the lowest and the highest value that can be, like \"0 %s to 90 %s\"", text, q.Unit(), q.Unit())
		}
		s.Outside = &r
		return err
	})
	a.read(f, "jump", func(text string) (err error) {
		if s.Jump, err = parseAmount(text, measuredIn(q, true)); err == nil && s.Jump <= 0 {
			return errors.New("want more than 0")
		}
		return err
	})
	return s
}

func (a *asking) fault(f fields, _ city.Quantity) Signal {
	var s Faulty
	a.each(f, "fault", func(text string) error {
		names := make([]string, len(city.Faults()))
		for i, fault := range city.Faults() {
			names[i] = string(fault)
		}
		switch {
		case text == "any":
		case slices.Contains(names, text):
			s.Faults = append(s.Faults, city.Fault(text))
		default:
			return fmt.Errorf("unknown fault %.40q: want any, or some of %v%s", text, names, typo.Meant(text, names))
		}
		return nil
	})
	return s
}

func (a *asking) silence(f fields, _ city.Quantity) Signal {
	var s Silence
	a.read(f, "silent", func(text string) error {
		if text == "auto" {
			return nil
		}
		periods, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(text, "s"), "period")), 64)
		if err != nil || periods < 1 || periods > 1000 {
			return fmt.Errorf("%.40q does not fit: want so many periods, like 3 periods, or auto: as many as a healthy device never loses", text)
		}
		s.Periods = periods
		return nil
	})
	a.read(f, "at_least", span(&s.AtLeast))
	return s
}

func (a *asking) aggregate(f fields, _ city.Quantity) Signal {
	var s Aggregate
	a.read(f, "share", func(text string) (err error) {
		s.Percent = true
		if s.Condition, err = parseComparison(text, unit{"share", "%", "30 %"}); err == nil && (s.Condition.Limit < 0 || s.Condition.Limit > 100) {
			return fmt.Errorf("%.40q is out of reach: want a share from 0 to 100 %%", text)
		}
		return err
	})
	a.read(f, "number", func(text string) (err error) {
		if s.Condition, err = parseComparison(text, unit{"number", "", "3"}); err == nil && s.Condition.Limit < 0 {
			return fmt.Errorf("%.40q is out of reach: want 0 or more", text)
		}
		return err
	})
	a.read(f, "members", count(&s.Least))
	return s
}

func (a *asking) expression(f fields, q city.Quantity) Signal {
	var limit float64
	_, limited := f.node["limit"]
	a.read(f, "limit", func(text string) (err error) {
		limit, err = parseAmount(text, unit{of: "limit", example: "85"})
		return err
	})
	kinds, name := a.kinds, "any"
	if len(kinds) == 0 {
		kinds = city.Kinds()
	} else {
		name = strings.Trim(fmt.Sprint(kinds), "[]")
	}
	var quantities []city.Quantity
	for _, k := range kinds {
		for _, q := range measures(k) {
			if !contains(quantities, q) {
				quantities = append(quantities, q)
			}
		}
	}
	var s Expression
	a.read(f, "expr", func(string) error {
		n := f.node["expr"]
		condition, problems := expr.Compile(n.Value, expr.Env{Kind: name, Quantities: quantities, Limit: limited, Zone: a.zone, Span: parseSpan, Meant: typo.Meant})
		lines := strings.Split(n.Value, "\n")
		for _, p := range problems {
			offset := p.Column - 1
			for _, line := range lines[:min(p.Line-1, len(lines))] {
				offset += len([]rune(line)) + 1
			}
			a.add(a.inside(n, offset), "expr: %s", p.Text)
		}
		s.Condition = condition
		return nil
	})
	s.Calendar = a.calendar
	if s.Quantity = q; q == city.QuantityUnknown && s.Condition != nil && len(s.Condition.Quantities()) > 0 {
		s.Quantity = s.Condition.Quantities()[0]
	}
	if limited {
		return LimitedExpression{s, limit}
	}
	return s
}

func positive(into *time.Duration) func(string) error {
	return func(text string) error {
		if err := span(into)(text); err != nil {
			return err
		}
		if *into <= 0 {
			return errors.New("want more than nothing, like 6h")
		}
		return nil
	}
}

// orHere is where a node is, or the mapping that lacks it.
func orHere(n *yaml.Node, f fields) place {
	if n == nil {
		return f.place
	}
	return begin(n)
}
