package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grafana-tools/sdk"
)

// Outcome is what became of a board, or would.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	Foreign   Outcome = "foreign" // an object with this uid is not ours: left alone
	Failed    Outcome = "failed"
)

// Result is what became of one board.
type Result struct {
	UID     string   `json:"uid"`
	Title   string   `json:"title"`
	Outcome Outcome  `json:"outcome"`
	Diff    []string `json:"diff,omitempty"` // what differs from what Grafana has
	Err     error    `json:"-"`
	Error   string   `json:"error,omitempty"`
}

// Report is what Push did.
type Report struct {
	Folder  Outcome  `json:"folder"`
	Missing []string `json:"missing_datasources,omitempty"` // uids that Grafana does not have
	Boards  []Result `json:"boards"`
}

// Push gives boards to a Grafana, in the folder of the configuration. Dry asks only.
//
// It writes over a board only if that is ours, by uid and tag, and only if it is still what
// was compared: a change by somebody else in between makes Grafana refuse. What people did
// to our boards in Grafana is written over; Grafana keeps it among the versions.
//
// A board that fails does not keep the others from being pushed; the error then tells of
// every one. An unusable token or address ends it before anything is written.
func Push(ctx context.Context, cfg Config, boards []*Board, dry bool) (Report, error) {
	p, err := newPusher(cfg)
	if err != nil {
		return Report{}, err
	}
	defer p.http.CloseIdleConnections()
	var report Report
	folder, err := p.folder(ctx, dry, &report)
	if err != nil {
		return report, fmt.Errorf("folder %s: %w", folderUID, err)
	}
	if report.Missing, err = p.missing(ctx, boards); err != nil {
		return report, fmt.Errorf("datasources: %w", err)
	}
	var errs []error
	for _, b := range boards {
		r := p.board(ctx, b, folder, dry)
		if r.Err != nil {
			r.Error = r.Err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", b.UID, r.Err))
		}
		report.Boards = append(report.Boards, r)
		if ctx.Err() != nil {
			break
		}
	}
	return report, errors.Join(errs...)
}

type pusher struct {
	cfg    Config
	guard  *guard
	http   *http.Client
	client *sdk.Client
}

func newPusher(cfg Config) (*pusher, error) {
	if cfg.URL == "" {
		return nil, errors.New("grafana: url: missing; give Grafana's address, like https://grafana.example")
	}
	token, err := cfg.token()
	if err != nil {
		return nil, fmt.Errorf("grafana: %w", err)
	}
	p := &pusher{cfg: cfg, guard: &guard{http.DefaultTransport.(*http.Transport).Clone(), token}}
	p.http = &http.Client{Transport: p.guard, Timeout: cfg.Timeout,
		// A redirect would carry the boards elsewhere, or make a GET of the POST.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	p.client, err = sdk.NewClient(strings.TrimRight(cfg.URL, "/"), "", p.http)
	return p, err
}

// safely calls the client library, whose panics become errors, and whose errors keep only
// what says something.
func safely[T any](p *pusher, call func() (T, error)) (answer T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the client library for Grafana could not cope with the answer: %v", r)
		}
	}()
	answer, err = call()
	var refused *refusal
	var asked *url.Error
	switch {
	case errors.As(err, &refused):
		err = refused
	case errors.As(err, &asked) && asked.Timeout():
		err = fmt.Errorf("Grafana did not answer within %v (grafana.timeout)", p.cfg.Timeout)
	case err != nil:
		err = errors.New(p.guard.redact(err.Error()))
	}
	return answer, err
}

// notFound tells whether the client library says 404: the guard lets no other error status
// through to it.
func notFound(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "HTTP error 404") }

// folder finds our folder, or makes it, and gives its number; 0 where dry found none.
func (p *pusher) folder(ctx context.Context, dry bool, report *Report) (int, error) {
	there, err := safely(p, func() (sdk.Folder, error) { return p.client.GetFolderByUID(ctx, folderUID) })
	if err == nil {
		report.Folder = Unchanged
		return there.ID, ourFolder(there)
	}
	if !notFound(err) {
		return 0, err
	}
	report.Folder = Created
	if dry {
		return 0, nil
	}
	made, err := safely(p, func() (sdk.Folder, error) {
		return p.client.CreateFolder(ctx, sdk.Folder{UID: folderUID, Title: p.cfg.Folder})
	})
	if err != nil {
		return 0, fmt.Errorf("make %q: %w", p.cfg.Folder, err)
	}
	return made.ID, ourFolder(made)
}

// ourFolder wants an answer to be about our folder.
func ourFolder(f sdk.Folder) error {
	if f.UID != folderUID || f.ID <= 0 {
		return fmt.Errorf("Grafana's answer is of folder %q with number %d, want uid %q", short(f.UID), f.ID, folderUID)
	}
	return nil
}

// missing asks which datasources of the boards Grafana does not have. A token that may not
// ask is no hindrance: it need not be allowed more than to edit boards.
func (p *pusher) missing(ctx context.Context, boards []*Board) ([]string, error) {
	var none []string
	asked := map[string]bool{}
	for _, b := range boards {
		for i := range b.Panels {
			of := b.Panels[i].Datasource
			if of == nil || asked[of.UID] {
				continue
			}
			asked[of.UID] = true
			found, err := safely(p, func() (bool, error) { return p.hasDatasource(ctx, of.UID) })
			var refused *refusal
			if errors.As(err, &refused) && refused.status == http.StatusForbidden {
				continue
			}
			if err != nil {
				return none, err
			}
			if !found {
				none = append(none, of.UID)
			}
		}
	}
	return none, nil
}

// hasDatasource asks by uid; the client library only can by number and name.
func (p *pusher) hasDatasource(ctx context.Context, uid string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(p.cfg.URL, "/")+"/api/datasources/uid/"+url.PathEscape(uid), nil)
	if err != nil {
		return false, err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return false, err
	}
	return resp.StatusCode == http.StatusOK, resp.Body.Close()
}

// board compares one with what Grafana has, and writes it where that differs.
func (p *pusher) board(ctx context.Context, b *Board, folder int, dry bool) Result {
	r := Result{UID: b.UID, Title: b.Title}
	fail := func(err error) Result {
		r.Outcome, r.Err = Failed, err
		return r
	}
	text, err := b.JSON()
	if err != nil {
		return fail(err)
	}
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		return fail(err)
	}
	has, err := safely(p, func() (held, error) { return p.held(ctx, b.UID) })
	switch {
	case notFound(err):
		r.Outcome = Created
	case err != nil:
		return fail(err)
	case !ours(has.uid, has.tags):
		r.Outcome = Foreign
		r.Err = fmt.Errorf("Grafana has a board with this uid that is not ours (%q, without the tag %s); give it another uid or delete it", short(has.title), mark)
		return r
	default:
		if r.Diff = differences(has.content, want); len(r.Diff) == 0 {
			r.Outcome = Unchanged
			return r
		}
		r.Outcome = Changed
		want["version"] = has.version
	}
	if dry {
		return r
	}
	if text, err = json.Marshal(want); err != nil {
		return fail(err)
	}
	told, err := safely(p, func() (sdk.StatusMessage, error) {
		return p.client.SetRawDashboardWithParam(ctx, sdk.RawBoardRequest{Dashboard: text, Parameters: sdk.SetDashboardParams{FolderID: folder}})
	})
	switch {
	case err != nil:
		return fail(err)
	case told.UID == nil || told.ID == nil || told.Status == nil || *told.Status != "success":
		return fail(errors.New("Grafana's answer does not say that the board was saved"))
	case *told.UID != b.UID:
		return fail(fmt.Errorf("Grafana saved the board as %q, not as %q", short(*told.UID), b.UID))
	}
	return r
}

// held is a board that Grafana has.
type held struct {
	uid, title string
	tags       []string
	version    int
	content    map[string]any
}

func (p *pusher) held(ctx context.Context, uid string) (held, error) {
	raw, _, err := p.client.GetRawDashboardByUID(ctx, uid)
	if err != nil {
		return held{}, err
	}
	var h held
	var head struct {
		UID, Title string
		Tags       []string
		Version    int
	}
	if err := errors.Join(json.Unmarshal(raw, &head), json.Unmarshal(raw, &h.content)); err != nil {
		return held{}, fmt.Errorf("Grafana's board cannot be read: %w", err)
	}
	if head.UID != uid || h.content == nil {
		return held{}, fmt.Errorf("Grafana answered with a board %q", short(head.UID))
	}
	h.uid, h.title, h.tags, h.version = head.UID, head.Title, head.Tags, head.Version
	return h, nil
}
