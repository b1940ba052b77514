// A PKCS #11 module for tests: SoftHSM, with faults that no part here has of its own accord.
// In the folder FLEETCERT_FAULTS a file named as a function says what its calls do from then on: "rv <hex> [skip] [count]" answers that value instead of asking,
// "short" takes an octet off a signature, "flip" damages it, "sleep <ms>" waits first; "flags" holds bits that are set in the token's flags. Each call of a named function adds a line to "calls".
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pkcs11/pkcs11.h>

static CK_FUNCTION_LIST list, *real;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void path_of(char *path, size_t size, const char *name) {
  const char *folder = getenv("FLEETCERT_FAULTS");
  snprintf(path, size, "%s/%s", folder ? folder : "/nonexistent", name);
}

// What the file of a function says; the value to answer with, or CKR_OK.
static CK_RV fault(const char *name, char *word) {
  char path[512], line[128] = "";
  unsigned long rv = CKR_OK;
  int skip = 0, count = -1, milliseconds = 0;
  word[0] = 0;
  pthread_mutex_lock(&lock);
  path_of(path, sizeof path, "calls");
  FILE *calls = fopen(path, "a");
  if (calls) { fprintf(calls, "%s\n", name); fclose(calls); }
  path_of(path, sizeof path, name);
  FILE *file = fopen(path, "r");
  if (file) { if (!fgets(line, sizeof line, file)) line[0] = 0; fclose(file); }
  if (sscanf(line, "rv %lx %d %d", &rv, &skip, &count) >= 1) {
    if (skip > 0 || count == 0) {
      if (skip > 0) skip--;
      file = fopen(path, "w");
      if (file) { fprintf(file, "rv %lx %d %d", rv, skip, count); fclose(file); }
      rv = CKR_OK;
    } else if (count > 0) {
      file = fopen(path, "w");
      if (file) { fprintf(file, "rv %lx 0 %d", rv, count - 1); fclose(file); }
    }
  } else {
    sscanf(line, "sleep %d", &milliseconds);
    sscanf(line, "%15s", word);
  }
  pthread_mutex_unlock(&lock);
  if (milliseconds) usleep(milliseconds * 1000);
  return rv;
}

#define FAULT(name) char word[16]; CK_RV rv = fault(name, word); if (rv != CKR_OK) return rv

static CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  FAULT("C_Login");
  return real->C_Login(session, user, pin, length);
}
static CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR data, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
  FAULT("C_OpenSession");
  return real->C_OpenSession(slot, flags, data, notify, session);
}
static CK_RV SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  FAULT("C_SignInit");
  return real->C_SignInit(session, mechanism, key);
}
static CK_RV Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature, CK_ULONG_PTR octets) {
  FAULT("C_Sign");
  rv = real->C_Sign(session, data, length, signature, octets);
  if (rv == CKR_OK && signature && !strcmp(word, "short")) (*octets)--;
  if (rv == CKR_OK && signature && !strcmp(word, "flip")) signature[5] ^= 1;
  return rv;
}
static CK_RV GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR a, CK_ULONG an, CK_ATTRIBUTE_PTR b, CK_ULONG bn, CK_OBJECT_HANDLE_PTR publicKey, CK_OBJECT_HANDLE_PTR privateKey) {
  FAULT("C_GenerateKeyPair");
  return real->C_GenerateKeyPair(session, mechanism, a, an, b, bn, publicKey, privateKey);
}
static CK_RV GetSlotList(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
  FAULT("C_GetSlotList");
  return real->C_GetSlotList(present, slots, count);
}
static CK_RV Initialize(CK_VOID_PTR arguments) {
  FAULT("C_Initialize");
  return real->C_Initialize(arguments);
}
static CK_RV Finalize(CK_VOID_PTR reserved) {
  FAULT("C_Finalize");
  return real->C_Finalize(reserved);
}
static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  FAULT("C_GetTokenInfo");
  rv = real->C_GetTokenInfo(slot, info);
  char path[512];
  unsigned long flags = 0;
  path_of(path, sizeof path, "flags");
  FILE *file = fopen(path, "r");
  if (file) { if (fscanf(file, "%lx", &flags) != 1) flags = 0; fclose(file); }
  if (rv == CKR_OK) info->flags |= flags;
  return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR functions) {
  if (!real) {
    void *module = dlopen(SOFTHSM, RTLD_NOW | RTLD_NODELETE);
    CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
    if (!get || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    list = *real;
    list.C_Login = Login;
    list.C_OpenSession = OpenSession;
    list.C_SignInit = SignInit;
    list.C_Sign = Sign;
    list.C_GenerateKeyPair = GenerateKeyPair;
    list.C_GetSlotList = GetSlotList;
    list.C_GetTokenInfo = GetTokenInfo;
    list.C_Initialize = Initialize;
    list.C_Finalize = Finalize;
  }
  *functions = &list;
  return CKR_OK;
}
