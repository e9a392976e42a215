package bridge

import (
	"fmt"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// qos asked for: at least once, the level that the acknowledgement by hand belongs to.
const qos = 1

// subscribe returns nil when every topic is granted or ctx has ended. A topic that is
// refused is asked for again, while messages of the others already arrive. The wait for
// the answer has no bound of its own: it may stand behind thousands of messages which the
// road has not taken yet.
func (c *session) subscribe() error {
	s := c.server
	s.status.note("waiting for the broker's answer to SUBSCRIBE")
	filters := make(map[string]byte, len(s.cfg.Topics))
	for _, topic := range s.cfg.Topics {
		filters[topic] = qos
	}
	for pause := s.pause; ; pause = min(2*pause, maxPause) {
		token := c.client.SubscribeMultiple(filters, nil).(*mqtt.SubscribeToken)
		if ok, err := c.await(token.Done()); !ok {
			return err
		}
		if err := token.Error(); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		refused, lossy := judgeGrants(s.cfg.Topics, token.Result())
		s.warnLossy(lossy)
		if len(refused) == 0 {
			s.subscribed(c.ctx)
			return nil
		}
		s.complain("the broker refuses a subscription, asking again", fmt.Errorf(
			"subscribe to %s: refused: check the broker's access rules for user %q", strings.Join(refused, ", "), s.cfg.Username))
		timer := make(chan struct{})
		stop := time.AfterFunc(pause, func() { close(timer) })
		ok, err := c.await(timer)
		stop.Stop()
		if !ok {
			return err
		}
	}
}

// judgeGrants sorts out what is not as asked for, by the return codes of SUBACK (MQTT
// 3.1.1 section 3.9.3): refused or not answered, and granted without acknowledgement.
func judgeGrants(topics []string, granted map[string]byte) (refused, lossy []string) {
	for _, topic := range topics {
		switch code, answered := granted[topic]; {
		case !answered || code > 2:
			refused = append(refused, topic)
		case code == 0:
			lossy = append(lossy, topic)
		}
	}
	return refused, lossy
}
