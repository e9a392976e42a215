package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// lookEvery is how often the broker's own figures are read, beginning with the first
// subscription; lookPatience is how long they may take to come.
const (
	lookEvery    = 10 * time.Minute
	lookPatience = 5 * time.Second
)

// Topics that mosquitto and some others publish about themselves, retained (mosquitto(8),
// "Broker status"). Not all brokers have them, and not all let everybody read them.
const (
	versionTopic = "$SYS/broker/version"
	droppedTopic = "$SYS/broker/publish/messages/dropped"
)

// figures are what a broker says about itself. A figure it does not have is "".
type figures map[string]string

// look reads the broker's figures again and again until ctx ends, with a connection of its
// own each time: brokers may end the connection of whoever subscribes to what it may not
// see, and the session must not be touched by that.
func (s *Server) look(ctx context.Context, subscribed <-chan struct{}) {
	select {
	case <-subscribed:
	case <-ctx.Done():
		return
	}
	ticker := time.NewTicker(s.lookEvery)
	defer ticker.Stop()
	dropped := uint64(0)
	for first := true; ; first = false {
		f, err := s.figures(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Debug().Err(err).Msg("the broker does not tell about itself")
		default:
			dropped = s.judgeFigures(f, dropped, first)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// judgeFigures warns of what the figures show, given how many messages the broker had
// dropped before, and gives how many it has by now.
func (s *Server) judgeFigures(f figures, before uint64, first bool) uint64 {
	if version := f[versionTopic]; first && strings.HasPrefix(version, "mosquitto") {
		s.log.Info().Str("version", version).Msg("mosquitto by default keeps 1,000 messages for a session that is away, and writes sessions to disk every half hour; " +
			"a broker that loses nothing has max_queued_messages 0, persistence true, autosave_on_changes true, autosave_interval 100")
	}
	dropped, err := strconv.ParseUint(f[droppedTopic], 10, 64)
	if err != nil {
		return before
	}
	if dropped > before {
		since := "since the last look"
		if first {
			since = "since it was started"
		}
		text := fmt.Sprintf("%s; %d %s", droppedWords, dropped-before, since)
		s.warnings.raise(lossDropped, text, s.now())
		s.log.Warn().Str("loss", string(lossDropped)).Uint64("messages", dropped-before).Msg(text)
	}
	return dropped // less than before: the broker was started again
}

// figures connects, reads what the broker says about itself, and disconnects.
func (s *Server) figures(ctx context.Context) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakePatience)
	defer cancel()
	password, err := s.cfg.password()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	all, complete := figures{}, make(chan struct{})
	filters := map[string]byte{versionTopic: 0, droppedTopic: 0}
	take := func(_ mqtt.Client, m mqtt.Message) {
		mu.Lock()
		defer mu.Unlock()
		if _, again := all[m.Topic()]; again || len(m.Payload()) > 100 {
			return
		}
		if all[m.Topic()] = string(m.Payload()); len(all) == len(filters) {
			close(complete)
		}
	}
	unwatch := func() bool { return true }
	client := mqtt.NewClient(mqtt.NewClientOptions().
		AddBroker(s.cfg.Broker).SetProtocolVersion(4).SetClientID(s.cfg.ClientID + "-look").
		SetUsername(s.cfg.Username).SetPassword(password).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(handshakePatience).
		SetWriteTimeout(pingBound).SetStore(noStore{}).SetDefaultPublishHandler(take).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := dial(ctx, s.cfg)
			if err != nil {
				return nil, err
			}
			unwatch = context.AfterFunc(ctx, func() { conn.Close() })
			return conn, nil
		}))
	token := client.Connect()
	token.Wait() // bounded by ctx, which closes the connection
	defer func() {
		client.Disconnect(1000)
		client.Disconnect(uint(pingBound.Milliseconds())) // the first may give up waiting
		unwatch()
	}()
	if err := token.Error(); err != nil {
		return nil, err
	}
	if token := client.SubscribeMultiple(filters, nil); !token.WaitTimeout(lookPatience) || token.Error() != nil {
		return nil, errors.Join(errors.New("subscribe to $SYS/broker"), token.Error())
	}
	timer := time.NewTimer(lookPatience)
	defer timer.Stop()
	select {
	case <-complete:
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(all), nil
}
