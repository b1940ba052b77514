// The peer of `bench pkcs11`: one thread for each session, each signing the same digest with the same key as fast as the token answers, and nothing else.
// pkcs11-loop <module> <token label> <PIN> <key label> <sessions> <milliseconds>; prints signatures and seconds.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pkcs11/pkcs11.h>

enum { most_sessions = 256 };

static CK_FUNCTION_LIST_PTR p11;
static volatile int is_over;

struct session {
  CK_SESSION_HANDLE handle;
  CK_OBJECT_HANDLE key;
  CK_MECHANISM mechanism;
  CK_ULONG input_length;
  long signatures;
};

static void check(const char *what, CK_RV rv) {
  if (rv == CKR_OK) return;
  fprintf(stderr, "%s: 0x%lx\n", what, rv);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static CK_SLOT_ID slot_of(const char *label) {
  CK_SLOT_ID slots[64];
  CK_ULONG count = 64;
  check("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
  for (CK_ULONG i = 0; i < count; i++) {
    CK_TOKEN_INFO info;
    if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && !strncmp((char *)info.label, label, strlen(label))) return slots[i];
  }
  fprintf(stderr, "no such token\n");
  exit(1);
}

static void *run(void *argument) {
  struct session *session = argument;
  CK_BYTE input[64] = {1}, signature[1024];
  while (!is_over) {
    CK_ULONG length = sizeof signature;
    check("C_SignInit", p11->C_SignInit(session->handle, &session->mechanism, session->key));
    check("C_Sign", p11->C_Sign(session->handle, input, session->input_length, signature, &length));
    session->signatures++;
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  void *module = dlopen(argv[1], RTLD_NOW);
  CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
  if (!get) return 2;
  check("C_GetFunctionList", get(&p11));
  CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
  check("C_Initialize", p11->C_Initialize(&arguments));
  CK_SLOT_ID slot = slot_of(argv[2]);
  int count = atoi(argv[5]);
  if (count < 1 || count > most_sessions) return 2;
  static struct session sessions[most_sessions];
  pthread_t threads[most_sessions];
  for (int i = 0; i < count; i++) {
    struct session *session = &sessions[i];
    check("C_OpenSession", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session->handle));
    if (i == 0) check("C_Login", p11->C_Login(session->handle, CKU_USER, (CK_UTF8CHAR_PTR)argv[3], strlen(argv[3])));
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE search[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, argv[4], strlen(argv[4])}};
    CK_ULONG found;
    check("C_FindObjectsInit", p11->C_FindObjectsInit(session->handle, search, 2));
    check("C_FindObjects", p11->C_FindObjects(session->handle, &session->key, 1, &found));
    check("C_FindObjectsFinal", p11->C_FindObjectsFinal(session->handle));
    if (found != 1) return 3;
    CK_KEY_TYPE type;
    CK_ATTRIBUTE kind = {CKA_KEY_TYPE, &type, sizeof type};
    check("C_GetAttributeValue", p11->C_GetAttributeValue(session->handle, session->key, &kind, 1));
    session->mechanism.mechanism = type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
    // A DigestInfo for RSA, a digest for ECDSA.
    session->input_length = type == CKK_RSA ? 51 : 32;
  }
  double start = now();
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, run, &sessions[i]);
  int milliseconds = atoi(argv[6]);
  struct timespec pause = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&pause, NULL);
  is_over = 1;
  long signatures = 0;
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    signatures += sessions[i].signatures;
  }
  printf("%ld %.6f\n", signatures, now() - start);
  p11->C_Finalize(NULL);
  return 0;
}
