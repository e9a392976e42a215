package open311

import (
	"context"

	"meldefunk/city"
)

// maxTokens bounds how many promises are remembered. What is forgotten is searched for by
// its words.
const maxTokens = 1000

// redeem asks for the number behind a token a few times. If it does not come, the request
// is there all the same, and the token is looked up with every search.
func (c *Client) redeem(ctx context.Context, o city.Order, token string) (string, error) {
	for _, d := range c.cfg.TokenPolls {
		if wait(ctx, d) != nil {
			break
		}
		if id := c.behind(ctx, o, token); id != "" {
			return id, nil
		}
	}
	c.mu.Lock()
	if len(c.tokens) < maxTokens {
		c.tokens[o.Case.Ref] = token
	}
	c.mu.Unlock()
	f := c.unsure("accepted with token %s, but there is no number yet", clip(token, 60))
	f.Accepted = true
	return "", f
}

// promised gives the number that an earlier create was promised; "": none yet.
func (c *Client) promised(ctx context.Context, o city.Order) string {
	c.mu.Lock()
	token, ok := c.tokens[o.Case.Ref]
	c.mu.Unlock()
	if !ok {
		return ""
	}
	return c.behind(ctx, o, token)
}

// behind looks a token up once (GeoReport v2, "GET service_request_id from a token").
func (c *Client) behind(ctx context.Context, o city.Order, token string) string {
	tree, err := c.get(ctx, c.path("tokens", token), c.query())
	if err != nil {
		return ""
	}
	all, err := c.records(tree)
	if err != nil || len(all) != 1 || all[0].ID == "" || c.guard(ctx, o, all[0]) != nil {
		return ""
	}
	return all[0].ID
}

func (c *Client) forget(ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tokens, ref)
}
