package open311

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Close closes a request with the order's closing words. A request that is closed there
// already, by whomever, is left as it is. It may be repeated.
func (c *Client) Close(ctx context.Context, o city.Order, externalID string) error {
	if c.channels.close.method == "" {
		return c.cannot("close a request")
	}
	if t, found, err := c.Status(ctx, externalID); err != nil {
		return err
	} else if found && t.Progress.Over() {
		return nil
	}
	return c.change(ctx, c.channels.close, externalID, updateID(o, "close", o.Case.Closed), o.Closing, o.Case.Closed)
}

// Reopen opens a closed request again, with the order's text. One that is open there already
// is left as it is. It may be repeated with the same At of the order.
func (c *Client) Reopen(ctx context.Context, o city.Order, externalID string) error {
	if c.channels.reopen.method == "" {
		return c.cannot("reopen a request")
	}
	if t, found, err := c.Status(ctx, externalID); err != nil {
		return err
	} else if found && t.Progress != "" && !t.Progress.Over() {
		return nil
	}
	return c.change(ctx, c.channels.reopen, externalID, updateID(o, "open", o.At), o.Text, o.At)
}

// Note adds words to a request and leaves its status alone. With servicerequestupdates it
// may be repeated with the same key; elsewhere a repeated note stands there twice, and a
// failure is Unsure. The order's At says when it was so.
func (c *Client) Note(ctx context.Context, o city.Order, externalID, key, text string) error {
	if c.channels.note.method == "" {
		return c.cannot("add a note to a request")
	}
	return c.change(ctx, c.channels.note, externalID, o.Case.Ref+"-"+key, text, o.At)
}

// updateID makes the id of an update, the same whenever it is repeated.
func updateID(o city.Order, what string, at time.Time) string {
	id := o.Case.Ref + "-" + what
	if at.IsZero() {
		return id
	}
	return id + "-" + strconv.FormatInt(at.Unix(), 36)
}

// change makes one call that changes a request.
func (c *Client) change(ctx context.Context, k call, externalID, key, words string, at time.Time) error {
	parts := make([]string, len(k.path))
	for i, p := range k.path {
		parts[i] = strings.ReplaceAll(p, idHere, externalID)
	}
	path := c.path(parts...)
	told := map[string]string{}
	tell := func(name, value string) {
		if name != "" && value != "" {
			told[name] = value
		}
	}
	tell(k.id, externalID)
	tell(k.key, key)
	tell(k.status, k.word)
	tell(k.words, words)
	tell(k.author, c.cfg.Email)
	if !at.IsZero() {
		tell(k.at, stamp(at))
	}
	tree, err := c.sendFields(ctx, k, path, told)
	if err != nil {
		if statusOf(err) == http.StatusBadRequest && already(err) {
			return nil
		}
		return err
	}
	all, err := c.records(tree)
	switch {
	case err != nil:
	case k.author != "": // a note has an answer of its own, without a number
		return nil
	case len(all) == 1 && k.key != "" && all[0].UpdateID != "":
		return nil
	case len(all) == 1 && k.key == "" && all[0].ID == externalID:
		return nil
	default:
		return c.fail(city.Unsure, "%s %s: answered with %d elements, none of them this change", k.method, path, len(all))
	}
	return c.fail(city.Unsure, "%s %s: %v", k.method, path, err)
}

func (c *Client) sendFields(ctx context.Context, k call, path string, told map[string]string) (any, error) {
	if !k.json {
		form := c.query()
		for name, value := range told {
			form.Set(name, value)
		}
		return c.send(ctx, k.method, path, form)
	}
	body := map[string]any{}
	for name, value := range told {
		at := body
		keys := strings.Split(name, ".")
		for _, key := range keys[:len(keys)-1] {
			inside, ok := at[key].(map[string]any)
			if !ok {
				inside = map[string]any{}
				at[key] = inside
			}
			at = inside
		}
		at[keys[len(keys)-1]] = value
	}
	return c.sendJSON(ctx, k.method, path, body)
}

// already tells whether a refusal means that an earlier try has arrived.
func already(err error) bool {
	s := strings.ToLower(err.Error())
	return strings.Contains(s, "already exists") || strings.Contains(s, "already closed")
}

func (c *Client) cannot(what string) error {
	return &city.Failure{Outcome: city.Cannot, Err: &answered{msg: "the endpoint has no way to " + what + " (updates: " + c.flavour.Updates + ")"}}
}
