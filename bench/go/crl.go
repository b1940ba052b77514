//go:build ignore

// The peer of `pnpm bench crl`: a CRL of entries that are in memory already, signed, with crypto/x509. CreateRevocationList checks its own signature, as fleetcert does.
// Built by its name: the directory's package is issue.go.
//
// Arguments: entries, rounds. stdout: one time in milliseconds per round, then the CRL's size in octets.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"strconv"
	"time"
)

func main() {
	count, err := strconv.Atoi(os.Args[1])
	check(err)
	rounds, err := strconv.Atoi(os.Args[2])
	check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	ca := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Bench Issuing CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		SubjectKeyId:          []byte{1, 2, 3, 4},
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	check(err)
	ca, err = x509.ParseCertificate(der)
	check(err)

	now := time.Now()
	entries := make([]pkix.RevokedCertificate, count)
	for i := range entries {
		serial := make([]byte, 16)
		_, err := rand.Read(serial)
		check(err)
		serial[0] = serial[0]&0x7f | 1
		entries[i] = pkix.RevokedCertificate{SerialNumber: new(big.Int).SetBytes(serial), RevocationTime: now}
		// unspecified, keyCompromise, superseded, cessationOfOperation, as in the store that fleetcert reads.
		if reason := []asn1.Enumerated{0, 1, 4, 5}[i%4]; reason != 0 {
			value, err := asn1.Marshal(reason)
			check(err)
			entries[i].Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 21}, Value: value}}
		}
	}
	size := 0
	for round := 0; round < rounds; round++ {
		runtime.GC()
		start := time.Now()
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number:              big.NewInt(int64(round + 1)),
			ThisUpdate:          now,
			NextUpdate:          now.Add(7 * 24 * time.Hour),
			RevokedCertificates: entries,
		}, ca, key)
		check(err)
		fmt.Println(float64(time.Since(start).Microseconds()) / 1000)
		size = len(der)
	}
	fmt.Println(size)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
