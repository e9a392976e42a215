package thethings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"meldefunk/city/lorawan/enrol"
)

// maxBody bounds an answer, in bytes: a device is about 1 KiB, an application has few
// devices of one DevEUI.
const maxBody = 1 << 20

// setRequest is the body of what writes: CreateEndDeviceRequest, which has no field mask,
// UpdateEndDeviceRequest and SetEndDeviceRequest (api/ttn/lorawan/v3/end_device.proto).
type setRequest struct {
	EndDevice endDevice  `json:"end_device"`
	FieldMask *fieldMask `json:"field_mask,omitempty"`
}

type fieldMask struct {
	Paths []string `json:"paths"`
}

// exchange sends one request and reads its answer into out, unless that is nil. send is the
// body; nil: there is none. Where the cluster says that there are too many requests it waits
// as long as it is told to, and sends it again: such a request was not looked at.
func (c *Client) exchange(ctx context.Context, method, address string, send, out any) error {
	var body []byte
	if send != nil {
		var err error
		if body, err = json.Marshal(send); err != nil {
			return &failure{kind: enrol.Refused, msg: err.Error()}
		}
	}
	patience := c.cfg.Patience
	for {
		wait, err := c.once(ctx, method, address, body, out)
		if wait == 0 || wait > patience {
			return err
		}
		patience -= wait
		if ctxErr := c.pause(ctx, wait); ctxErr != nil {
			return &failure{kind: enrol.Unreachable, msg: ctxErr.Error(), err: ctxErr}
		}
	}
}

// once sends a request once. wait is how long to wait before it is sent again; 0: not at all.
func (c *Client) once(ctx context.Context, method, address string, body []byte, out any) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, &failure{kind: enrol.Refused, msg: inner(err).Error()}
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "meldefunk")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		err = inner(err)
		return 0, &failure{kind: enrol.Unreachable, msg: c.hide(err.Error()), err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return 0, &failure{kind: enrol.Unreachable, msg: c.hide(fmt.Sprintf("the answer broke off: %v", err)), err: err}
	case len(answer) > maxBody:
		return 0, &failure{kind: enrol.Missing, msg: fmt.Sprintf("the answer is longer than %d bytes: is %s The Things Stack?", maxBody, req.URL.Host)}
	}
	if resp.StatusCode != http.StatusOK {
		answer = []byte(c.hide(string(answer))) // before anything is cut: half a key is a secret, too
	}
	if f := classify(resp, answer); f != nil {
		f.msg = c.hide(f.msg)
		if f.status == http.StatusTooManyRequests {
			wait = max(time.Second, retryAfter(resp.Header))
		}
		return wait, f
	}
	if out == nil {
		return 0, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return 0, &failure{kind: enrol.Missing, msg: c.hide(fmt.Sprintf("the answer is not what The Things Stack says: %v", err))}
	}
	return 0, nil
}

// device gives the address of a device in a registry.
func (s site) device(application, id string) string {
	return s.base + "/applications/" + url.PathEscape(application) + "/devices/" + url.PathEscape(id)
}

// get reads a device; nil where the registry does not have it.
func (c *Client) get(ctx context.Context, s site, id string) (*endDevice, error) {
	var d endDevice
	err := c.exchange(ctx, http.MethodGet, s.device(c.cfg.Application, id)+"?field_mask="+s.gets, nil, &d)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("read from the "+s.part, err)
	}
	return &d, nil
}

// find gives all devices of the application with a DevEUI: there may be several, with
// different JoinEUIs, and an operator may have given them any id. (service
// EndDeviceRegistrySearch, api/ttn/lorawan/v3/search_services.proto)
func (c *Client) find(ctx context.Context, eui hexEUI) ([]endDevice, error) {
	s := c.sites.identity
	var all struct {
		EndDevices []endDevice `json:"end_devices"`
	}
	q := url.Values{"dev_eui_contains": {eui.String()}, "field_mask": {s.gets}}
	err := c.exchange(ctx, http.MethodGet, s.base+"/search/applications/"+url.PathEscape(c.cfg.Application)+"/devices?"+q.Encode(), nil, &all)
	if err != nil {
		return nil, fail("look up in the "+s.part, err)
	}
	var found []endDevice
	for _, d := range all.EndDevices {
		if d.IDs.DevEUI == eui && isID(d.IDs.DeviceID) {
			found = append(found, d)
		}
	}
	return found, nil
}

// drop removes a device from a registry. One that is not there is no error.
func (c *Client) drop(ctx context.Context, s site, id string) error {
	err := c.exchange(ctx, http.MethodDelete, s.device(c.cfg.Application, id), nil, nil)
	if err != nil && !isAbsent(err) {
		return fail("remove from the "+s.part, err)
	}
	return nil
}

// retryAfter is how long an answer asks to wait: in Retry-After as proxies write it (RFC
// 9110 section 10.2.3, in seconds), or in the header of pkg/ratelimit/result.go.
func retryAfter(h http.Header) time.Duration {
	longest := time.Duration(0)
	for _, name := range []string{"Retry-After", "X-Rate-Limit-Retry"} {
		if n, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && n > 0 {
			longest = max(longest, time.Duration(min(n, 24*60*60))*time.Second)
		}
	}
	return longest
}

// inner takes the URL out of an error: it is long, and told otherwise.
func inner(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
