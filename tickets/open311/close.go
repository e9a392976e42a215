package open311

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Close sends the status CLOSED with these words by POST servicerequestupdates, an
// extension of GeoReport v2 by mySociety. The update_id comes from the ref, so that it
// may be repeated: "already exists" means that an earlier try arrived.
//
// at is when the reason for the request went away.
func (c *Client) Close(ctx context.Context, ref, externalID, words string, at time.Time) error {
	if !c.Closes() {
		return &Error{Outcome: Cannot, msg: "the endpoint has no way to close a request (updates: none)"}
	}
	id := ref + "-close"
	form := c.query()
	form.Set("service_request_id", externalID)
	form.Set("update_id", id)
	form.Set("status", "CLOSED")
	form.Set("updated_datetime", stamp(at))
	form.Set("description", words)
	body, err := c.post(ctx, "/servicerequestupdates.json", form)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.msg), "already exists") {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := records(body)
	switch {
	case err != nil:
	case len(all) != 1 || all[0].UpdateID == "":
		err = fmt.Errorf("answered with %d elements, want one with update_id", len(all))
	default:
		return nil
	}
	return &Error{Outcome: Unsure, msg: c.hide("POST /servicerequestupdates.json: " + err.Error())}
}
