import java.io.FileInputStream;
import java.security.Security;
import java.security.cert.*;
import java.util.*;

/** java VerifyByOcsp.java root.pem device.pem issuing-ca.pem: verifies the device's path, asking the responder that its certificate names. */
public class VerifyByOcsp {
  public static void main(String[] files) throws Exception {
    Security.setProperty("ocsp.enable", "true");
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> certificates = new ArrayList<>();
    for (String file : files) {
      try (FileInputStream input = new FileInputStream(file)) {
        certificates.add((X509Certificate) factory.generateCertificate(input));
      }
    }
    CertPath path = factory.generateCertPath(certificates.subList(1, certificates.size()));
    CertPathValidator validator = CertPathValidator.getInstance("PKIX");
    PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.ONLY_END_ENTITY, PKIXRevocationChecker.Option.NO_FALLBACK));
    PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(certificates.get(0), null)));
    parameters.addCertPathChecker(checker);
    try {
      validator.validate(path, parameters);
      System.out.println("VALID");
    } catch (CertPathValidatorException refused) {
      System.out.println(refused.getReason() + " at " + refused.getIndex() + ": " + refused.getMessage());
    }
  }
}
