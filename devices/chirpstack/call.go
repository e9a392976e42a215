package chirpstack

import (
	"bytes"
	"context"
	"encoding/binary"
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

// maxAnswer bounds an answer, in bytes: a device profile with a codec is some 10 KiB, a page
// of a list less.
const maxAnswer = 4 << 20

// prefix is the length of what stands before a message: whether it is compressed, and its
// length (gRPC over HTTP2, "Length-Prefixed-Message").
const prefix = 5

// The methods (api/proto/api/*.proto).
const (
	listTenants      = "/api.TenantService/List"
	listApplications = "/api.ApplicationService/List"
	getApplication   = "/api.ApplicationService/Get"
	listProfiles     = "/api.DeviceProfileService/List"
	getProfile       = "/api.DeviceProfileService/Get"
	createProfile    = "/api.DeviceProfileService/Create"
	updateProfile    = "/api.DeviceProfileService/Update"
	getDevice        = "/api.DeviceService/Get"
	createDevice     = "/api.DeviceService/Create"
	updateDevice     = "/api.DeviceService/Update"
	deleteDevice     = "/api.DeviceService/Delete"
	getKeys          = "/api.DeviceService/GetKeys"
	createKeys       = "/api.DeviceService/CreateKeys"
	updateKeys       = "/api.DeviceService/UpdateKeys"
	deleteKeys       = "/api.DeviceService/DeleteKeys"
	flushDevNonces   = "/api.DeviceService/FlushDevNonces"
)

// call sends one message and gives the one that answers it: a unary call of gRPC over HTTP/2
// (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). An error is a *failure.
func (c *Client) call(ctx context.Context, method string, send message) (message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	body := send.bytes()
	framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.cfg.Address, "/")+method, bytes.NewReader(framed))
	if err != nil {
		return nil, &failure{kind: enrol.Refused, msg: inner(err).Error()}
	}
	req.Header.Set("Content-Type", "application/grpc+proto")
	req.Header.Set("TE", "trailers")
	req.Header.Set("User-Agent", "meldefunk")
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Grpc-Timeout", strconv.FormatInt(int64(c.cfg.Timeout/time.Millisecond), 10)+"m")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, "", err)
	}
	defer resp.Body.Close()
	if f := c.foreign(resp); f != nil {
		return nil, f
	}
	framed, err = io.ReadAll(io.LimitReader(resp.Body, prefix+maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, "the answer broke off: ", err)
	case len(framed) > prefix+maxAnswer:
		return nil, &failure{kind: enrol.Missing, msg: fmt.Sprintf("the answer is longer than %d bytes: is %s ChirpStack v4?", maxAnswer, req.URL.Host)}
	}
	if f := c.status(resp); f != nil {
		return nil, f
	}
	// One message, of the length it says, not compressed, because none of that was offered.
	if len(framed) < prefix || framed[0] != 0 || uint64(binary.BigEndian.Uint32(framed[1:])) != uint64(len(framed)-prefix) {
		return nil, odd(fmt.Errorf("%d bytes that are not one message", len(framed)))
	}
	answer, err := readMessage(framed[prefix:])
	if err != nil {
		return nil, odd(err)
	}
	return answer, nil
}

// status tells what the end of an answer says is wrong; nil: nothing. Where there is no
// message it stands in the header.
func (c *Client) status(resp *http.Response) *failure {
	from := resp.Trailer
	if from.Get("Grpc-Status") == "" {
		from = resp.Header
	}
	text := from.Get("Grpc-Status")
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return &failure{kind: enrol.Unreachable, msg: "the answer broke off: it has no status"}
	case err != nil:
		return odd(fmt.Errorf("the status %.20q", text))
	case n == 0:
		return nil
	}
	said, err := url.PathUnescape(from.Get("Grpc-Message"))
	if err != nil {
		said = from.Get("Grpc-Message")
	}
	return classify(code(n), c.hide(said)) // hidden before it is cut: half a key is a secret, too
}

// foreign tells why an answer is not one of gRPC; nil: it is.
func (c *Client) foreign(resp *http.Response) *failure {
	media := resp.Header.Get("Content-Type")
	at := resp.Request.URL.Host
	f := &failure{kind: enrol.Missing, msg: fmt.Sprintf("answered %d", resp.StatusCode)}
	switch s := resp.StatusCode; {
	case s == http.StatusOK && strings.HasPrefix(media, "application/grpc"):
		return nil
	case s == http.StatusOK:
		f.msg += fmt.Sprintf(" with %q in place of gRPC: is %s ChirpStack v4?", c.hide(clip(media, 60)), at)
	case s >= 300 && s < 400:
		f.msg += fmt.Sprintf(", a redirect to %q: set the address to where ChirpStack is now", c.hide(clip(resp.Header.Get("Location"), 200)))
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		f.kind = enrol.Unauthorized
		f.msg += fmt.Sprintf(": what stands before ChirpStack at %s does not let us in", at)
	case s == http.StatusRequestTimeout, s == http.StatusTooManyRequests, s >= 500:
		f.kind = enrol.Unreachable
		f.msg += fmt.Sprintf(": what stands before ChirpStack at %s does not reach it", at)
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 { // in seconds (RFC 9110 section 10.2.3)
			f.after = time.Duration(min(n, 24*60*60)) * time.Second
		}
	default:
		f.msg += fmt.Sprintf(": there is no gRPC at %s: look at the address, and whether a proxy passes gRPC on", at)
	}
	return f
}

// unreachable is a failure of the network, or of our patience.
func (c *Client) unreachable(ctx context.Context, what string, err error) *failure {
	err = inner(err)
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = ctxErr
	}
	return &failure{kind: enrol.Unreachable, msg: c.hide(what + err.Error()), err: err}
}

// odd is an answer that ChirpStack does not give.
func odd(err error) *failure {
	return &failure{kind: enrol.Missing, msg: fmt.Sprintf("the answer is not what ChirpStack v4 says: %v", err)}
}

// inner takes the URL out of an error: it is long, and told otherwise.
func inner(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
