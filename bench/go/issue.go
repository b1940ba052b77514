// The peer of `pnpm bench issue`: parse a CSR, check its signature, create a certificate, in memory, with crypto/x509.
// CreateCertificate verifies its own signature, as fleetcert does.
//
// stdin: CSRs, each as a 4-octet big-endian length and DER. Arguments: rounds, workers. stdout: one rate (certificates per second) per round.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	check(err)
	workers, err := strconv.Atoi(os.Args[2])
	check(err)
	runtime.GOMAXPROCS(workers)
	csrs := readCSRs()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	ca := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Bench Issuing CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		SubjectKeyId:          []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
	}
	issueAll(csrs[:len(csrs)/5], ca, key, workers)
	for round := 0; round < rounds; round++ {
		start := time.Now()
		issueAll(csrs, ca, key, workers)
		fmt.Printf("%f\n", float64(len(csrs))/time.Since(start).Seconds())
	}
	fmt.Fprintln(os.Stderr, runtime.Version())
}

func issueAll(csrs [][]byte, ca *x509.Certificate, key *ecdsa.PrivateKey, workers int) {
	var group sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for i := worker; i < len(csrs); i += workers {
				issue(csrs[i], ca, key, fmt.Sprintf("device-%d", i))
			}
		}(worker)
	}
	group.Wait()
}

func issue(der []byte, ca *x509.Certificate, key *ecdsa.PrivateKey, id string) {
	csr, err := x509.ParseCertificateRequest(der)
	check(err)
	check(csr.CheckSignature())
	serial := make([]byte, 16)
	_, err = rand.Read(serial)
	check(err)
	serial[0] = serial[0]&0x7f | 1
	name, err := url.Parse("urn:fleetcert:device:" + id)
	check(err)
	public := csr.PublicKey.(*ecdsa.PublicKey)
	ski := sha1.Sum(elliptic.Marshal(public.Curve, public.X, public.Y))
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: id},
		NotBefore:    time.Now().Add(-5 * time.Minute),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		SubjectKeyId: ski[:],
		URIs:         []*url.URL{name},
	}
	_, err = x509.CreateCertificate(rand.Reader, template, ca, csr.PublicKey, key)
	check(err)
}

func readCSRs() [][]byte {
	input := bufio.NewReader(os.Stdin)
	var csrs [][]byte
	for {
		var length uint32
		if err := binary.Read(input, binary.BigEndian, &length); err == io.EOF {
			return csrs
		} else {
			check(err)
		}
		der := make([]byte, length)
		_, err := io.ReadFull(input, der)
		check(err)
		csrs = append(csrs, der)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
